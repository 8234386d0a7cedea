"""What a player's keys do when notes are heard so or so."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from swelling import swelling
from umt_domains.harmonic.config import NUM_PITCHES
from umt_domains.harmonic.keys import REACH_FRAMES, keys

MEMORY = 60
BEFORE = MEMORY + REACH_FRAMES
A4 = 69 - 21


def heard(frame: list[float], onset: list[float], velocity: list[float] | float) -> Tensor:
    """One pitch as it was heard, with silence before it and after it."""
    notes = torch.zeros(1, 3, NUM_PITCHES, BEFORE + len(frame) + REACH_FRAMES)
    now = slice(BEFORE, BEFORE + len(frame))
    notes[0, 0, A4, now] = torch.tensor(frame)
    notes[0, 1, A4, now] = torch.tensor(onset)
    notes[0, 2, A4, now] = torch.tensor(frame) * torch.as_tensor(velocity)
    return notes


def played(notes: Tensor) -> dict[str, Tensor]:
    """What the key of that pitch does while it is heard."""
    pressed = keys(notes, MEMORY)
    return {name: x[0, A4, BEFORE:-REACH_FRAMES] for name, x in vars(pressed).items()}


PIANO = heard([0.9, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25], [0.9] + 9 * [0.0], 0.8)
OBOE = heard(10 * [1.0], [0.55, 0.1] + 8 * [0.0], 0.8)


def test_keys_are_the_same_whoever_played() -> None:
    one, other = played(PIANO), played(OBOE)
    assert one["down"].tolist() == other["down"].tolist() == 10 * [1]
    assert one["age_F"].tolist() == other["age_F"].tolist() == list(range(10))
    assert torch.allclose(one["velocity"], other["velocity"])
    assert one["strike"][0] == other["strike"][0] == 1


def test_a_velocity_is_that_of_the_strike() -> None:
    fading = heard(8 * [1.0], [0.9] + 7 * [0.0], [0.8, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    assert torch.allclose(played(fading)["velocity"], torch.tensor(0.8))


def test_a_key_comes_up_where_its_note_has_faded() -> None:
    notes = heard([1.0, 1.0, 0.9, 0.6, 0.3, 0.15, 0.15, 0.3], [0.9] + 7 * [0.0], 0.5)
    # what is heard again, but faintly, is no new note
    assert played(notes)["down"].tolist() == [1, 1, 1, 1, 1, 0, 0, 0]


def test_a_note_may_be_heard_a_moment_after_its_strike() -> None:
    notes = heard([0.1, 0.1, 0.8, 0.9, 0.9, 0.9], [0.7] + 5 * [0.0], 0.5)
    assert played(notes)["down"].tolist() == 6 * [1]


def test_a_second_strike_presses_the_key_again() -> None:
    notes = heard(12 * [1.0], 6 * [0.0] + [0.8] + 5 * [0.0], 6 * [0.9] + 6 * [0.4])
    notes[0, 1, A4, BEFORE] = 0.9
    key = played(notes)
    assert key["age_F"].tolist() == [*range(6), *range(6)]
    assert torch.allclose(key["velocity"][6:], torch.tensor(0.4))
    assert key["strike"].nonzero()[:, 0].tolist() == [0, 6]


def test_a_note_without_a_strike_is_one_that_was_struck_long_ago() -> None:
    key = played(heard([0.3, *9 * [0.8]], [0.2, 0.3, *8 * [0.1]], 0.5))
    assert key["down"].tolist() == [0, *9 * [1]]
    assert key["age_F"].tolist() == 10 * [MEMORY]
    assert not key["strike"].any()


def test_what_is_doubtful_is_not_played() -> None:
    for doubt in (heard(9 * [0.45], 9 * [0.4], 0.5), heard(9 * [0.4], [0.9, *8 * [0.0]], 0.5)):
        key = played(doubt)
        assert not key["down"].any()
        assert not key["strike"].any()


def test_a_strike_between_two_frames_is_shared_by_them() -> None:
    key = played(heard(6 * [1.0], [0.9, 0.45, *4 * [0.0]], 0.5))
    assert torch.allclose(key["strike"], torch.tensor([1, 0.5, 0, 0, 0, 0]))


def test_a_long_note_stays_down_when_its_strike_is_forgotten() -> None:
    key = played(heard((MEMORY + 20) * [1.0], [0.9] + (MEMORY + 19) * [0.0], 0.5))
    assert key["down"].all()
    assert key["age_F"].max() == key["age_F"][-1] == MEMORY


def test_nothing_further_away_than_its_reach_counts() -> None:
    notes = swelling(7, 5 * BEFORE)
    whole = keys(notes, MEMORY)
    down, forgotten = whole.down > 0, whole.age_F == MEMORY
    # there is much of all that could be told wrongly
    assert min(float(x.float().mean()) for x in (down & forgotten, down & ~forgotten)) > 0.1
    for first in (1, BEFORE, BEFORE + 17):
        last = first + 2 * BEFORE
        part = keys(notes[..., first:last], MEMORY)
        inside = slice(BEFORE, -REACH_FRAMES)
        for name, x in vars(part).items():
            expected: Tensor = getattr(whole, name)[..., first:last]
            assert torch.equal(x[..., inside], expected[..., inside]), name


@given(seed=st.integers(0, 2**32), num_frames=st.integers(1, 200))
def test_keys_are_up_or_down_and_all_else_within_its_bounds(seed: int, num_frames: int) -> None:
    notes = swelling(seed, num_frames)
    pressed = keys(notes, MEMORY)
    assert {x.shape for x in vars(pressed).values()} == {notes[:, 0].shape}
    assert torch.equal(pressed.down, pressed.down.round().clamp(0, 1))
    for x, most in ((pressed.strike, 1), (pressed.age_F, MEMORY)):
        assert torch.equal(x, x.clamp(0, most))
