"""Pitch classes over time, and how far two sounds agree in them.

The paper scores the pitch content of input and output by normalized cross-correlation and
by dynamic time warping. Here pitch content is chroma, so that polyphony counts too: for
each 40 ms, how much of the sound is C, C♯, … B in any octave.

F frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from umt_trainer.score.sound import ANALYSIS_RATE, Sound
from umt_trainer.score.spectra import power_spectra
from umt_trainer.score.warping import Indices, cheapest_way

Array = NDArray[np.float64]

FRAME_RATE = 25
WINDOW, HOP = 8192, ANALYSIS_RATE // FRAME_RATE  # long, to tell semitones apart from 100 Hz on
LOWEST_HZ, HIGHEST_HZ = 100.0, 2_000.0
SILENT_DB = -60.0
"""Of a frame, below the loudest: then it has no chroma."""
LARGEST_LAG = FRAME_RATE
"""Frames: cross-correlation shifts by up to a second."""
BAND = 2 * FRAME_RATE
"""Frames: warping shifts by up to two seconds."""


def chroma(sound: Sound) -> Array:
    """Unit vectors of 12 pitch classes, their mean taken out; zero where the sound is silent.

    Without their mean, equal chroma have a product of 1, those of two other pitches −1/11,
    and noise has none.

    Shape:
        returns: (F, 12)
    """
    classes = _classes()
    power_F12 = np.concatenate(
        [power @ classes for power in power_spectra(sound.analysed, WINDOW, HOP)]
    )
    total_F1 = power_F12.sum(1, keepdims=True)
    heard_F1 = total_F1 > max(total_F1.max(), 1e-12) * 10 ** (SILENT_DB / 10)
    level_F12 = np.sqrt(power_F12) * heard_F1
    centred_F12 = level_F12 - level_F12.mean(1, keepdims=True)
    norm_F1 = np.linalg.norm(centred_F12, axis=1, keepdims=True)
    return np.asarray(centred_F12 / np.maximum(norm_F1, 1e-12))


def cross_correlation(one_F12: Array, other_F12: Array) -> float:
    """The largest normalized cross-correlation of two chroma within a second of lag.

    Any rows of numbers will do, as long as those of both have the same length.

    Returns:
        −1 … 1; 1 for equal ones, 0 if one is silent.
    """
    norm = np.linalg.norm(one_F12) * np.linalg.norm(other_F12)
    if norm == 0:
        return 0.0
    return max(
        float(_shifted_product(one_F12, other_F12, lag) / norm)
        for lag in range(-LARGEST_LAG, LARGEST_LAG + 1)
    )


def warping_distance(one_F12: Array, other_F12: Array) -> float:
    """Mean cost of the cheapest way through two chroma at once, by dynamic time warping.

    A frame beside another costs 1 − their product; two silent frames cost nothing.

    Returns:
        0 … 2; 0 for equal ones.
    """

    def costs(one_N: Indices, other_N: Indices) -> Array:
        return _costs(one_F12[one_N], other_F12[other_N])

    return cheapest_way(len(one_F12), len(other_F12), costs, BAND)


def _costs(one_N12: Array, other_N12: Array) -> Array:
    product_N = np.einsum("nk,nk->n", one_N12, other_N12)
    both_silent_N = ~(one_N12.any(1) | other_N12.any(1))
    return np.where(both_silent_N, 0.0, 1 - product_N)


def _shifted_product(one_F12: Array, other_F12: Array, lag: int) -> float:
    """Sum of products of frame n of one and frame n + lag of the other."""
    first = max(0, -lag)
    end = min(len(one_F12), len(other_F12) - lag)
    if first >= end:
        return 0.0
    return float(np.sum(one_F12[first:end] * other_F12[first + lag : end + lag]))


def _classes() -> Array:
    """Which pitch class each bin belongs to: (WINDOW / 2 + 1, 12) of zeros and ones."""
    hz = np.fft.rfftfreq(WINDOW, 1 / ANALYSIS_RATE)
    used = (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    pitch = 69 + 12 * np.log2(np.maximum(hz, LOWEST_HZ) / 440)
    table = np.zeros((len(hz), 12))
    table[used, np.rint(pitch[used]).astype(int) % 12] = 1
    return table
