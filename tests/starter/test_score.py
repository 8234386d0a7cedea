from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starter.score import Note, Score, read_midi, write_midi

# Notes of one pitch that follow one another: what a score may hold.
LENGTHS = st.lists(
    st.tuples(st.floats(0.05, 3.0), st.floats(0.01, 1.0), st.integers(1, 127)), max_size=20
)


@given(st.dictionaries(st.integers(21, 108), LENGTHS, max_size=5))
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

    assert len(back.notes) == len(notes)
    for want, got in zip(by_pitch(notes), by_pitch(back.notes), strict=True):
        assert (got.pitch, got.velocity) == (want.pitch, want.velocity)
        assert got.start_s == pytest.approx(want.start_s, abs=1e-3)
        assert got.end_s == pytest.approx(want.end_s, abs=1e-3)
    assert back.duration_s == pytest.approx(max(80.0, back.duration_s), abs=1e-3)


def test_a_note_struck_as_the_last_one_ends_is_not_cut(tmp_path: Path):
    path = tmp_path / "score.mid"
    write_midi(Score((Note(0.0, 1.0, 60, 80), Note(1.0, 2.0, 60, 90)), 2.0), path)
    assert [(n.start_s, n.end_s) for n in read_midi(path).notes] == [(0.0, 1.0), (1.0, 2.0)]


def test_program_bank_and_drum_channel_are_written(tmp_path: Path):
    path = tmp_path / "score.mid"
    score = Score((Note(0.0, 0.1, 38, 80),), 1.0)
    write_midi(score, path, program=25, bank=8, drums=True)
    messages = [message for message in mido.MidiFile(path) if not message.is_meta]
    assert {message.channel for message in messages} == {9}
    assert [(m.type) for m in messages[:2]] == ["control_change", "program_change"]
    assert messages[0].value == 8
    assert messages[1].program == 25
