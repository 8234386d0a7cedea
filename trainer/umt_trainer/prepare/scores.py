"""Scores beside recordings: `take.mid` tells what is played in `take.flac`.

N notes: start and end (s), MIDI pitch, and level in dB relative to the piece's loud notes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from umt_trainer.midi import read_midi

Array = np.ndarray[Any, Any]
SUFFIXES = ".mid", ".midi"
LOUD_PERCENTILE = 90


def score_of(recording: Path) -> Path | None:
    """The MIDI file beside a recording, if there is one."""
    beside = (recording.with_suffix(suffix) for suffix in SUFFIXES)
    return next((path for path in beside if path.exists()), None)


def read_notes(score: Path) -> Array:
    """A score as the trainer wants it: float64 (N, 4).

    Raises:
        UmtError: it cannot be read.
    """
    notes = read_midi(score)
    # synthesizers and pianos alike: amplitude goes about with the square of the velocity
    level_db = 40 * np.log10([note.velocity / 127 for note in notes])
    level_db -= np.percentile(level_db, LOUD_PERCENTILE)
    times = [(note.start_s, note.end_s, note.pitch) for note in notes]
    return np.column_stack([times, level_db])


def within(notes: Array, first_s: float, duration_s: float) -> Array:
    """The notes that sound in a stretch, by its own time."""
    moved = notes - np.array([first_s, first_s, 0, 0])
    return np.asarray(moved[(moved[:, 1] > 0) & (moved[:, 0] < duration_s)])
