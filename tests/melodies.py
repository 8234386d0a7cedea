"""Melodies of two instruments that are told apart by their overtones alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RATE = 1000
PITCHES_HZ = (55.0, 65.4, 77.8, 92.5)
NOTE_S = 0.15
RMS = 0.2
NOISE_RMS = 0.02

Wave = NDArray[np.float64]


def sine(turns_T: Wave) -> Wave:
    """No overtones."""
    return np.sin(2 * np.pi * turns_T) * RMS * math.sqrt(2)


def sawtooth(turns_T: Wave) -> Wave:
    """Five partials, each weaker than the one below as its number; nothing is folded back."""
    numbers = np.arange(1, 6)
    partials = np.sin(2 * np.pi * turns_T[:, None] * numbers) / numbers
    return np.asarray(partials.sum(1) * RMS / math.sqrt((1 / numbers**2).sum() / 2))


INSTRUMENTS = {"sine": sine, "sawtooth": sawtooth}


def melody(instrument: str, seed: int, num_notes: int) -> tuple[NDArray[np.int16], list[float]]:
    """A melody of random notes of equal length, and the notes' frequencies (Hz)."""
    random = np.random.default_rng(seed)
    pitches_hz = random.choice(PITCHES_HZ, num_notes)
    frequency_hz = np.repeat(pitches_hz, round(NOTE_S * RATE))
    turns = np.cumsum(frequency_hz / RATE) + random.random()
    noise = NOISE_RMS * random.standard_normal(len(turns))
    wav = np.rint((INSTRUMENTS[instrument](turns) + noise) * 32768).astype(np.int16)
    return wav, pitches_hz.tolist()
