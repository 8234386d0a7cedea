"""Notes out of what a transcription network believes, frame by frame.

The network gives two numbers for each frame and each of 88 keys: that the key sounds, and
that it is struck now. A note begins at a peak of the strikes and lasts while its key
sounds. What still sounds then, and no strike explained, becomes notes as well.

F frames, K keys.

Source: Bittner et al., A Lightweight Instrument-Agnostic Model for Polyphonic Note
Transcription and Multipitch Estimation, arXiv:2203.09893, section 2.3; numbers are the
defaults of basic-pitch 0.4.0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FrameNote = tuple[int, int, int]
"""First frame, frame after the last, key."""

STRUCK = 0.5
SOUNDS = 0.3
SHORTEST = 11
"""Frames: a note is longer than this, 128 ms."""
PATIENCE = 11
"""Frames that a key may be silent within a note."""


def find_notes(sounds_FK: Array, strikes_FK: Array) -> list[FrameNote]:
    """All notes, in order of their beginnings.

    Args:
        sounds_FK: 0 … 1.
        strikes_FK: 0 … 1.
    """
    left_FK = sounds_FK.copy()
    notes = _struck(left_FK, _with_rises(sounds_FK, strikes_FK))
    notes += _unstruck(left_FK)
    return sorted(notes)


def _with_rises(sounds_FK: Array, strikes_FK: Array) -> Array:
    """Strikes, and sudden rises of what sounds, brought to the same largest value."""
    rises_FK = np.zeros_like(sounds_FK)
    by_one, by_two = sounds_FK[2:] - sounds_FK[1:-1], sounds_FK[2:] - sounds_FK[:-2]
    rises_FK[2:] = np.maximum(np.minimum(by_one, by_two), 0)
    largest = rises_FK.max(initial=0)
    if largest == 0:
        return strikes_FK
    scaled_FK = rises_FK * (strikes_FK.max() / largest)
    return np.asarray(np.maximum(strikes_FK, scaled_FK))


def _struck(left_FK: Array, strikes_FK: Array) -> list[FrameNote]:
    """Notes that begin with a strike, the last first; what they explain is taken away."""
    peaks_FK = np.zeros(strikes_FK.shape, bool)
    inner_FK = strikes_FK[1:-1]
    peaks_FK[1:-1] = (inner_FK > strikes_FK[:-2]) & (inner_FK > strikes_FK[2:])
    notes = []
    for frame, key in np.argwhere(peaks_FK & (strikes_FK >= STRUCK))[::-1].tolist():
        visited = _walk(left_FK[frame + 1 : -1, key])
        end = frame + 1 + visited - _silent_at_the_end(left_FK[frame + 1 :, key], visited)
        if end - frame > SHORTEST:
            _clear(left_FK, frame, end, key)
            notes.append((frame, end, key))
    return notes


def _unstruck(left_FK: Array) -> list[FrameNote]:
    """Notes without a strike, the surest first; they grow to both sides."""
    notes = []
    sounding = np.argwhere(left_FK > SOUNDS)
    surest_first = np.argsort(-left_FK[tuple(sounding.T)], kind="stable")
    for middle, key in sounding[surest_first].tolist():
        if not left_FK[middle, key]:
            continue  # explained by a surer one
        later, earlier = left_FK[middle + 1 : -1, key], left_FK[1:middle, key][::-1]
        forward, backward = _walk(later), _walk(earlier)
        end = middle + forward - _silent_at_the_end(later, forward)
        first = middle - backward + _silent_at_the_end(earlier, backward)
        left_FK[middle, key] = 0
        _clear(left_FK, middle + 1, middle + 1 + forward, key)
        _clear(left_FK, middle - backward, middle, key)
        if end - first > SHORTEST:
            notes.append((first, end, key))
    return notes


def _walk(energy_F: Array) -> int:
    """How many frames are visited until patience is at its end, or they are."""
    silent = 0
    for visited, energy in enumerate(energy_F, start=1):
        silent = silent + 1 if energy < SOUNDS else 0
        if silent == PATIENCE:
            return visited
    return len(energy_F)


def _silent_at_the_end(energy_F: Array, visited: int) -> int:
    loud = np.flatnonzero(energy_F[:visited] >= SOUNDS)
    return visited - (int(loud[-1]) + 1 if len(loud) else 0)


def _clear(left_FK: Array, first: int, end: int, key: int) -> None:
    """What a key's note explains, it explains for the keys beside it too."""
    left_FK[first:end, max(0, key - 1) : key + 2] = 0
