"""The score that a translation is judged by."""

from __future__ import annotations

from pathlib import Path

from umt_trainer import midi
from umt_trainer.score.notes import Note


def read_midi(path: Path) -> list[Note]:
    """The notes of a standard MIDI file, as `umt_trainer.midi` reads them.

    Raises:
        UmtError: the file is no MIDI file, has no notes, or mido is not installed.
    """
    return [Note(note.start_s, note.end_s, note.pitch) for note in midi.read_midi(path)]
