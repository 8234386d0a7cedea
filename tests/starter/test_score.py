from itertools import pairwise
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starter.score import REPEAT_GAP_S, SHORTEST_NOTE_S, Score, fold, without_overlaps, write_midi
from umt_trainer.midi import Note, read_midi

# Notes of one pitch that follow one another: what a score may hold.
LENGTHS = st.lists(
    st.tuples(st.floats(0.05, 3.0), st.floats(0.01, 1.0), st.integers(1, 127)),
    min_size=1,
    max_size=20,
)


@given(st.dictionaries(st.integers(21, 108), LENGTHS, min_size=1, max_size=5))
def test_midi_files_keep_notes_within_a_millisecond(tmp_path_factory, lengths):
    notes = []
    for pitch, line in lengths.items():
        now_s = 0.0
        for length_s, gap_s, velocity in line:
            notes.append(Note(now_s + gap_s, now_s + gap_s + length_s, pitch, velocity))
            now_s += gap_s + length_s
    path = tmp_path_factory.mktemp("midi") / "score.mid"
    write_midi(Score(tuple(sorted(notes)), 80.0), path)
    back = read_midi(path)

    def by_pitch(notes):
        return sorted(notes, key=lambda note: (note.pitch, note.start_s))

    assert len(back) == len(notes)
    for want, got in zip(by_pitch(notes), by_pitch(back), strict=True):
        assert (got.pitch, got.velocity) == (want.pitch, want.velocity)
        assert got.start_s == pytest.approx(want.start_s, abs=1e-3)
        assert got.end_s == pytest.approx(want.end_s, abs=1e-3)
    last_s = max(note.end_s for note in notes)
    assert mido.MidiFile(path).length == pytest.approx(max(80.0, last_s), abs=2e-3)


def test_a_note_struck_as_the_last_one_ends_is_not_cut(tmp_path: Path):
    path = tmp_path / "score.mid"
    write_midi(Score((Note(0.0, 1.0, 60, 80), Note(1.0, 2.0, 60, 90)), 2.0), path)
    assert [(n.start_s, n.end_s) for n in read_midi(path)] == [(0.0, 1.0), (1.0, 2.0)]


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.floats(0.05, 2), st.integers(60, 62)), min_size=1, max_size=30
    )
)
def test_one_key_sounds_once_at_a_time(drawn):
    notes = [Note(start_s, start_s + length_s, pitch, 80) for start_s, length_s, pitch in drawn]
    kept = without_overlaps(notes)
    for pitch in (60, 61, 62):
        line = [note for note in kept if note.pitch == pitch]
        for before, after in pairwise(line):
            assert after.start_s - before.end_s >= REPEAT_GAP_S - 1e-9
        # whatever was struck is still struck, or was struck with a neighbour
        together_s = SHORTEST_NOTE_S + REPEAT_GAP_S + 1e-9
        for note in (note for note in notes if note.pitch == pitch):
            assert any(0 <= note.start_s - other.start_s < together_s for other in line)
        wanted = [note.end_s for note in notes if note.pitch == pitch]
        assert not wanted or max(note.end_s for note in line) <= max(wanted)


def test_notes_outside_a_range_are_folded_into_it():
    score = Score((Note(0, 1, 30, 80), Note(0, 2, 42, 80), Note(3, 4, 110, 80)), 5.0)
    folded_score = fold(score, 40, 84)
    assert [(n.start_s, n.end_s, n.pitch) for n in folded_score.notes] == [(0, 2, 42), (3, 4, 74)]
