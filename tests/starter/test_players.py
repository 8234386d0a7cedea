import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from starter.instruments import BY_NAME, INSTRUMENTS
from starter.performance import written
from starter.players import divided, ensemble, registration, touch
from starter.score import Score
from umt_trainer.midi import Note

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_registrations_leave_the_key_the_lowest_loud_pitch(seed):
    program, touched = registration(random.Random(seed))
    assert program in INSTRUMENTS
    assert 1 <= len(touched.stops) <= 6
    for stop in touched.stops:
        assert stop.level_db <= (-6 if stop.semitones < 0 else 0)
        # octaves, fifths and thirds of the harmonic series
        assert stop.semitones % 12 in (0, 4, 7)


def test_registrations_differ():
    drawn = [registration(random.Random(seed))[1].stops for seed in range(200)]
    sizes = Counter(len(stops) for stops in drawn)
    assert set(sizes) == {1, 2, 3, 4, 5, 6}
    lengths = Counter(stop.semitones for stops in drawn for stop in stops)
    assert set(lengths) == {0, 12, 19, 24, 28, 31, 36, -12}
    assert lengths[12] == max(lengths.values())


def test_only_what_lasts_is_touched_and_only_single_lines_are_scooped():
    for instrument in INSTRUMENTS.values():
        drawn = [touch(random.Random(seed), instrument) for seed in range(60)]
        assert any(t.swells for t in drawn) == instrument.sustains
        assert any(t.vibrato for t in drawn) == instrument.sustains
        single = instrument.sustains and instrument.monophonic
        assert any(t.scoop_cents for t in drawn) == single


@given(SEEDS)
@settings(deadline=None, max_examples=20)
def test_players_of_an_ensemble_play_at_once_what_they_can(seed):
    parts = ensemble(seed, 20.0)
    assert 2 <= len(parts) <= 3
    assert parts == ensemble(seed, 20.0)
    for part in parts:
        style = INSTRUMENTS[part.program].style
        assert all(style.low <= note.pitch <= style.high for note in part.score.notes)
    assert written(parts).notes


def test_ensembles_are_busy_as_a_rule():
    # the slowest hold a note or two per player for most of a piece, as slow music does
    busy = sorted(len(written(ensemble(seed, 20.0)).notes) for seed in range(100))
    assert busy[10] > 30
    assert busy[50] > 60


def test_a_score_is_divided_by_register():
    notes = tuple(Note(k, k + 0.9, pitch, 80) for k, pitch in enumerate((40, 45, 70, 76)))
    low, high = divided(Score(notes, 5.0), [BY_NAME["cello"], BY_NAME["flute"]])
    assert [note.pitch for note in low.notes] == [40, 45]
    assert [note.pitch for note in high.notes] == [70, 76]
