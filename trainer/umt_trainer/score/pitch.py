"""The pitch that stands out, over time, and how far two sounds agree in it.

The paper compares the pitch of input and output by normalized cross-correlation and by
dynamic time warping. This is it for music of one line; where several notes sound, the
strongest is followed, and `chroma` tells more.

F frames, K candidate pitches.

Source: subharmonic summation, Hermes, Measurement of pitch by subharmonic summation,
J. Acoust. Soc. Am. 83 (1988).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from umt_trainer.score.chroma import BAND, cross_correlation
from umt_trainer.score.sound import ANALYSIS_RATE, Sound
from umt_trainer.score.spectra import power_spectra
from umt_trainer.score.warping import Indices, cheapest_way

Array = NDArray[np.float64]

WINDOW, HOP = 4096, ANALYSIS_RATE // 25  # 0.19 s; 25 frames a second, as for chroma
LOWEST, HIGHEST, STEP = 36.0, 100.0, 0.2
"""MIDI pitches that are tried: from 65 Hz to 2.6 kHz, a fifth of a semitone apart."""
NUM_HARMONICS = 8
FADING = 0.84
"""What a harmonic counts, as a share of the one below it."""
SILENT_DB = -60.0
"""Of a frame, below the loudest: then it has no pitch."""
STEADY = 5
"""Frames whose median is taken: where one note goes over into the next, their common
subharmonic stands out for a moment."""
FAR = 12.0
"""Semitones: pitches further apart than an octave are just wrong."""


def contour(sound: Sound) -> Array:
    """The strongest pitch of each frame, as a MIDI number; NaN where the sound is silent.

    Shape:
        returns: (F,)
    """
    candidates_K = np.arange(LOWEST, HIGHEST + STEP / 2, STEP)
    table = _harmonics(candidates_K)
    pitch, power = [np.zeros(0)], [np.zeros(0)]
    for power_FB in power_spectra(sound.analysed, WINDOW, HOP):
        pitch.append(candidates_K[(np.sqrt(power_FB) @ table).argmax(1)])
        power.append(power_FB.sum(1))
    pitch_F, power_F = _steadied(np.concatenate(pitch)), np.concatenate(power)
    heard_F = power_F > max(power_F.max(initial=0), 1e-12) * 10 ** (SILENT_DB / 10)
    return np.where(heard_F, pitch_F, np.nan)


def pitch_correlation(one_F: Array, other_F: Array) -> float:
    """The largest normalized cross-correlation of two contours within a second of lag.

    Contours are taken from their own means: the same melody in another key correlates fully.

    Returns:
        −1 … 1; 0 if one is silent or has one pitch only.
    """
    return cross_correlation(_centred(one_F), _centred(other_F))


def pitch_distance(one_F: Array, other_F: Array) -> float:
    """Mean cost of warping one contour to another: the semitones between them, in octaves.

    More than an octave counts as one, and so does a pitch beside silence.

    Returns:
        0 … 1; 0 for equal ones.
    """

    def costs(one_N: Indices, other_N: Indices) -> Array:
        one, other = one_F[one_N], other_F[other_N]
        apart = np.abs(one - other)
        both_silent = np.isnan(one) & np.isnan(other)
        return np.where(both_silent, 0.0, np.where(np.isnan(apart), FAR, apart).clip(max=FAR)) / FAR

    return cheapest_way(len(one_F), len(other_F), costs, BAND)


def _steadied(pitch_F: Array) -> Array:
    if not len(pitch_F):
        return pitch_F
    around_FN = sliding_window_view(np.pad(pitch_F, STEADY // 2, mode="edge"), STEADY)
    return np.asarray(np.median(around_FN, axis=1))


def _centred(pitch_F: Array) -> Array:
    """Around its mean, and 0 where it is silent: (F, 1)."""
    heard_F = ~np.isnan(pitch_F)
    mean = pitch_F[heard_F].mean() if heard_F.any() else 0.0
    # rounded, or the rounding of the mean would be all that is left of a single pitch
    return np.where(heard_F, np.round(pitch_F - mean, 6), 0.0)[:, None]


def _harmonics(candidates_K: Array) -> Array:
    """What each bin adds to each candidate: (WINDOW / 2 + 1, K), linear between bins."""
    table = np.zeros((WINDOW // 2 + 1, len(candidates_K)))
    columns = np.arange(len(candidates_K))
    fundamental_K = 440 * 2 ** ((candidates_K - 69) / 12) * WINDOW / ANALYSIS_RATE
    for number in range(1, NUM_HARMONICS + 1):
        place_K = number * fundamental_K
        inside_K = place_K < WINDOW // 2
        below_K = place_K[inside_K].astype(int)
        share_K = place_K[inside_K] - below_K
        weight = FADING ** (number - 1)
        np.add.at(table, (below_K, columns[inside_K]), weight * (1 - share_K))
        np.add.at(table, (below_K + 1, columns[inside_K]), weight * share_K)
    return table
