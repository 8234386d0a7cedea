from hypothesis import given, settings
from hypothesis import strategies as st

from starter import drums
from starter.drums import drum_loop, noise


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_loops_are_drums_in_time_and_repeatable(seed):
    loop = drum_loop(seed, 20.0)
    assert loop == drum_loop(seed, 20.0)
    assert loop.notes
    for note in loop.notes:
        assert 35 <= note.pitch <= 81
        assert 0 <= note.start_s < note.end_s <= 20.0
        assert 1 <= note.velocity <= 127


def test_loops_are_busy_as_a_rule():
    # who uses two of nine drums only is heard less often than once a second
    counts = sorted(len(drum_loop(seed, 20.0).notes) for seed in range(200))
    assert counts[2] > 20
    assert counts[100] > 100


def test_a_drummer_who_strikes_nothing_still_marks_the_one(monkeypatch):
    silent = tuple((keys, (0.0, 0.0, 0.0)) for keys, _ in drums.PARTS)
    monkeypatch.setattr(drums, "PARTS", silent)
    for seed in range(20):
        notes = drum_loop(seed, 20.0).notes
        assert notes[0].start_s < 0.02
        assert {note.pitch for note in notes} - set(drums.PARTS[5][0]) == {35}  # but for fills


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=30)
def test_noises_fill_their_time(seed, held):
    notes = noise(seed, 20.0, held=held).notes
    assert notes[0].start_s <= 0.5
    assert 10.0 < notes[-1].end_s <= 20.0
    lengths_s = [note.end_s - note.start_s for note in notes[:-1]]
    assert all((length_s >= 1.5) == held for length_s in lengths_s)
