from hypothesis import given, settings
from hypothesis import strategies as st

from starter.drums import drum_loop, noise


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_loops_are_drums_in_time_and_repeatable(seed):
    loop = drum_loop(seed, 20.0)
    assert loop == drum_loop(seed, 20.0)
    assert len(loop.notes) > 20
    for note in loop.notes:
        assert 35 <= note.pitch <= 81
        assert 0 <= note.start_s < note.end_s <= 20.0
        assert 1 <= note.velocity <= 127


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(deadline=None, max_examples=30)
def test_noises_fill_their_time(seed, held):
    notes = noise(seed, 20.0, held=held).notes
    assert notes[0].start_s <= 0.5
    assert 10.0 < notes[-1].end_s <= 20.0
    lengths_s = [note.end_s - note.start_s for note in notes[:-1]]
    assert all((length_s >= 1.5) == held for length_s in lengths_s)
