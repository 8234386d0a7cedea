"""Onsets: moments where a sound grows brighter all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from umt_trainer.score.mel import mel_db
from umt_trainer.score.notes import Note
from umt_trainer.score.sound import ANALYSIS_RATE, Sound

WINDOW, HOP = 1024, 220  # 46 ms, 10 ms
NUM_BANDS = 80
FLOOR_DB = -70.0
RISE_DB = 0.6
"""Mean rise of a band, above what is usual around it, that makes an onset."""
NEAR = 3
"""Frames: an onset is the largest rise within 30 ms on each side."""
USUAL = 10
"""Frames on each side whose mean is what is usual."""
APART_S = 0.05
"""Notes that begin within this are one onset."""


def onsets_s(sound: Sound) -> NDArray[np.float64]:
    """When a sound's onsets are (s).

    Source: spectral flux, Böck, Krebs, Schedl, Evaluating the Online Capabilities of Onset
    Detection Methods (ISMIR 2012).
    """
    bands = mel_db(sound.analysed, WINDOW, HOP, NUM_BANDS, FLOOR_DB)
    # against two frames before: a window of 46 ms takes that long to fill
    before = np.concatenate([np.full((2, NUM_BANDS), FLOOR_DB), bands[:-2]])[: len(bands)]
    rise = np.maximum(bands - before, 0).mean(1)
    if not len(rise):
        return np.zeros(0)
    largest = sliding_window_view(np.pad(rise, NEAR), 2 * NEAR + 1).max(1)
    usual = sliding_window_view(np.pad(rise, USUAL), 2 * USUAL + 1).mean(1)
    found = np.flatnonzero((rise == largest) & (rise > usual + RISE_DB))
    return np.asarray(found * HOP / ANALYSIS_RATE)


def num_written(notes: Sequence[Note]) -> int:
    """How many onsets a score has; a chord is one.

    >>> num_written([Note(0.0, 1.0, 60), Note(0.03, 1.0, 64), Note(0.5, 1.0, 60)])
    2
    """
    count, last_s = 0, -np.inf
    for start_s in sorted(note.start_s for note in notes):
        if start_s - last_s >= APART_S:
            count, last_s = count + 1, start_s
    return count
