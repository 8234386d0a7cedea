"""Mel spectra in decibels, and how far two sounds are apart in them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from umt_trainer.score.sound import ANALYSIS_RATE, Mono, Sound
from umt_trainer.score.spectra import power_spectra

Array = npt.NDArray[np.float64]

WINDOW, HOP = 2048, 512
NUM_BANDS = 80
LOWEST_HZ, HIGHEST_HZ = 40.0, 11_000.0
COMMON_LUFS = -23.0
FLOOR_DB = -90.0
"""Of a band, at that loudness: what is softer is as good as silent."""


def log_mel_distance(one: Sound, other: Sound) -> float | None:
    """Mean difference of two sounds' mel spectra (dB), both brought to one loudness.

    It hears timbre and notes, but no difference of level. The longer sound is cut.

    Returns:
        None if a sound is silent or has no length: it cannot be brought to a loudness.
    """
    if not (math.isfinite(one.loudness_lufs) and math.isfinite(other.loudness_lufs)):
        return None
    spectra = [_at_common_loudness(sound) for sound in (one, other)]
    num_frames = min(len(spectrum) for spectrum in spectra)
    return float(np.abs(spectra[0][:num_frames] - spectra[1][:num_frames]).mean())


def _at_common_loudness(sound: Sound) -> Array:
    gain = 10 ** ((COMMON_LUFS - sound.loudness_lufs) / 20)
    return mel_db(sound.analysed * np.float32(gain), WINDOW, HOP, NUM_BANDS, FLOOR_DB)


def mel_db(wav: Mono, window: int, hop: int, num_bands: int, floor_db: float) -> Array:
    """Mel spectra of a sound at `ANALYSIS_RATE`, in dB of a full-scale sine.

    Shape:
        returns: (ceil(T / hop), num_bands)
    """
    bands = mel_bands(window, num_bands)
    floor = 10 ** (floor_db / 10)
    parts = [
        10 * np.log10(np.maximum(power @ bands, floor)) for power in power_spectra(wav, window, hop)
    ]
    return np.concatenate([np.zeros((0, num_bands)), *parts])


def mel_bands(window: int, num_bands: int) -> Array:
    """Triangles that overlap by half, evenly spread in mel, in spectra of `ANALYSIS_RATE`.

    Shape:
        returns: (window / 2 + 1, num_bands)
    """
    hz = np.fft.rfftfreq(window, 1 / ANALYSIS_RATE)
    corners = np.linspace(_to_mel(LOWEST_HZ), _to_mel(HIGHEST_HZ), num_bands + 2)
    mel = _to_mel(hz)[:, None]
    step = corners[1] - corners[0]
    triangles: Array = np.maximum(0, 1 - np.abs(mel - corners[1:-1]) / step)
    return triangles


def _to_mel(hz: npt.ArrayLike) -> Array:
    return np.asarray(2595 * np.log10(1 + np.asarray(hz) / 700))
