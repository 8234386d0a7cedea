"""Scores are read as they are written."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from umt_trainer.score.midi import read_midi
from umt_trainer.score.notes import Note
from umtcli.errors import UmtError

Event = tuple[str, int, int, int, int]
"""Message, channel, note, velocity, ticks since the one before: 1000 are a second."""


def write(path: Path, *events: Event) -> Path:
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)])
    for kind, channel, note, velocity, time in events:
        track.append(mido.Message(kind, channel=channel, note=note, velocity=velocity, time=time))
    midi = mido.MidiFile(ticks_per_beat=500)
    midi.tracks.append(track)
    midi.save(path)
    return path


def test_notes_of_all_channels_but_the_drums(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.mid",
        ("note_on", 0, 60, 90, 500),
        ("note_on", 9, 38, 90, 0),
        ("note_on", 1, 64, 90, 250),
        ("note_off", 0, 60, 0, 250),
        ("note_on", 1, 64, 0, 1000),  # softest of all: an end
    )
    assert read_midi(path) == [Note(0.5, 1.0, 60), Note(0.75, 2.0, 64)]


def test_a_note_struck_again_ends_and_one_never_ended_lasts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.mid",
        ("note_on", 0, 60, 90, 0),
        ("note_on", 0, 60, 90, 400),
        ("note_on", 0, 67, 90, 100),
        ("note_off", 0, 67, 0, 500),
    )
    assert read_midi(path) == [Note(0.0, 0.4, 60), Note(0.4, 1.0, 60), Note(0.5, 1.0, 67)]


def test_what_is_no_score_is_refused_in_one_line(tmp_path: Path) -> None:
    drums = write(tmp_path / "drums.mid", ("note_on", 9, 38, 90, 0), ("note_off", 9, 38, 0, 10))
    text = tmp_path / "text.mid"
    text.write_text("no music")
    cut = tmp_path / "cut.mid"
    cut.write_bytes(drums.read_bytes()[:-12])
    cases = {drums: "no notes", text: "no .*MIDI file", cut: "MIDI file", tmp_path / "x": "No such"}
    for path, says in cases.items():
        with pytest.raises(UmtError, match=says) as caught:
            read_midi(path)
        assert len(str(caught.value).splitlines()) == 1
