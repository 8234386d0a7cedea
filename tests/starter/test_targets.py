"""The eighteen domains and the music that teaches them."""

import pytest

from starter.compose import compose
from starter.learn import decoder_config
from starter.targets import TARGETS
from umt_domains.harmonic.learning import HarmonicLearning

NAMES = {
    *("piano", "electric-piano", "harpsichord", "organ", "strings", "violin", "cello", "choir"),
    *("guitar", "distorted-guitar", "flute", "clarinet", "brass", "harp", "music-box"),
    *("marimba", "synth-pad", "chiptune"),
}


def test_all_domains_are_there() -> None:
    assert set(TARGETS) == NAMES
    assert all(name == name.lower() and " " not in name for name in TARGETS)
    assert len({target.description for target in TARGETS.values()}) == len(TARGETS)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_domain_is_taught_within_its_range(name: str) -> None:
    target = TARGETS[name]
    assert 21 <= target.low <= target.high - 24 <= 108 - 24
    for style in target.styles:
        assert (style.low, style.high) == (target.low, target.high)
        pitches = {note.pitch for seed in range(12) for note in compose(seed, style, 60.0).notes}
        assert min(pitches) < target.low + 6
        assert max(pitches) > target.high - 6


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_domain_folds_what_lies_outside_its_range(name: str) -> None:
    config = HarmonicLearning().new_decoder(decoder_config(name)).config
    assert (config.lowest_midi, config.highest_midi) == (TARGETS[name].low, TARGETS[name].high)


def test_what_is_struck_is_played_as_it_was_struck_and_the_rest_as_it_is_heard() -> None:
    struck = {name for name in TARGETS if decoder_config(name).get("struck")}
    assert struck == {
        *("piano", "electric-piano", "harpsichord", "guitar"),
        *("harp", "music-box", "marimba"),
        # these sound as long as a key is down, and know no swells
        *("organ", "distorted-guitar", "synth-pad", "chiptune"),
    }


def test_a_domain_begins_as_one_that_begins_from_nothing() -> None:
    begun = {name: target.begins_as for name, target in TARGETS.items()}
    alone = {name for name, start in begun.items() if start is None}
    assert alone == {"piano", "strings"}
    assert set(begun.values()) == {*alone, None}
