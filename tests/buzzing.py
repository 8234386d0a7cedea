"""Instruments that the starter has not, played by formula: a kazoo, a banjo, tuned bars.

T samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Wave = NDArray[np.float32]
Voice = Callable[[float, float, int, np.random.Generator], NDArray[np.float64]]
"""(frequency in Hz, duration in s, sample rate, random) → one note, (T,)."""

FORMANTS = ((700.0, 180.0, 1.0), (1300.0, 250.0, 0.7), (2700.0, 400.0, 0.5), (3900.0, 600.0, 0.3))
"""Centre and width (Hz) and gain of what a mouth and a tube let through."""


def kazoo(hertz: float, duration_s: float, rate: int, random: np.random.Generator) -> Wave:
    """A hummed note through a buzzing membrane: many overtones, formants, vibrato, breath."""
    time_T = np.arange(round(duration_s * rate)) / rate
    depth, speed_hz = random.uniform(0.004, 0.012), random.uniform(4.5, 6.5)
    vibrato = depth * np.minimum(1, time_T / 0.3) * np.sin(2 * np.pi * speed_hz * time_T)
    pitch_T = hertz * (1 + vibrato - 0.04 * np.exp(-time_T / 0.03))
    phase_T = 2 * np.pi * np.cumsum(pitch_T) / rate
    wave_T = np.zeros(len(time_T))
    for h in range(1, int(0.45 * rate / hertz)):
        gain = sum(g / (1 + ((h * hertz - f) / w) ** 2) for f, w, g in FORMANTS)
        wave_T += (gain + 0.05) / h**0.3 * np.sin(h * phase_T + random.uniform(0, 2 * np.pi))
    membrane_T = np.tanh(1.5 * wave_T / np.abs(wave_T).max())
    breath_T = 0.01 * random.standard_normal(len(time_T))
    return (membrane_T + breath_T) * _envelope(time_T, duration_s, 0.03, 0.06)


def banjo(hertz: float, duration_s: float, rate: int, random: np.random.Generator) -> Wave:
    """A plucked string over a skin: noise goes round a loop that dulls it.

    Source: Karplus, Strong, Digital Synthesis of Plucked-String and Drum Timbres, CMJ 7(2), 1983.
    """
    period = rate / hertz
    whole = int(period - 0.5)
    rest = period - 0.5 - whole  # the loop's mean of two samples is half a sample late
    kept = 0.1 ** (1 / (hertz * 0.55))  # a tenth is left after 0.55 s
    pluck_T = np.repeat(random.standard_normal(whole // 2 + 1), 2)[:whole]
    pluck_T -= np.roll(pluck_T, whole // 7)  # near the bridge
    wave_T = np.zeros(round(duration_s * rate) + whole + 2)
    wave_T[2 : 2 + whole] = pluck_T
    for first in range(2 + whole, len(wave_T), whole):
        last = min(first + whole, len(wave_T))
        older, old, new = (wave_T[first - whole - k : last - whole - k] for k in (2, 1, 0))
        wave_T[first:last] = 0.5 * kept * ((1 - rest) * new + old + rest * older)
    wave_T = wave_T[2 : 2 + round(duration_s * rate)]
    time_T = np.arange(len(wave_T)) / rate
    skin_T = sum(
        gain * np.exp(-time_T / 0.03) * np.sin(2 * np.pi * f * time_T)
        for f, gain in ((210.0, 0.8), (430.0, 0.5))
    )
    return (wave_T + skin_T) * _envelope(time_T, duration_s, 0.001, 0.03)


def bars(hertz: float, duration_s: float, rate: int, random: np.random.Generator) -> Wave:
    """Struck bars of wood: partials at 1, 3.9 and 9.2 times the pitch, the higher the shorter."""
    time_T = np.arange(round(duration_s * rate)) / rate
    wave_T = np.zeros(len(time_T))
    for ratio, gain, decay_s in ((1.0, 1.0, 0.6), (3.93, 0.35, 0.15), (9.2, 0.12, 0.06)):
        decay_T = np.exp(-time_T / (decay_s * (220 / hertz) ** 0.4))
        if ratio * hertz < 0.45 * rate:
            wave_T += gain * decay_T * np.sin(2 * np.pi * ratio * hertz * time_T)
    mallet_T = 0.2 * random.standard_normal(len(time_T)) * np.exp(-time_T / 0.004)
    return (wave_T + mallet_T) * _envelope(time_T, duration_s, 0.001, 0.02)


def melody(
    voice: Voice, duration_s: float, seed: int, rate: int = 44_100, low: int = 50, high: int = 79
) -> Wave:
    """A tune that wanders over a range of MIDI pitches, with rests: (T, 1), peaks at 0.5."""
    random = np.random.default_rng(seed)
    wave_T = np.zeros(round((duration_s + 3) * rate))
    midi, start_s = (low + high) // 2, 0.1
    while start_s < duration_s - 0.3:
        midi += int(random.choice([-7, -5, -4, -2, -1, 1, 2, 4, 5, 7]))
        midi = 2 * low - midi if midi < low else 2 * high - midi if midi > high else midi
        note_s = float(random.choice([0.2, 0.3, 0.45, 0.6, 0.9, 1.4]))
        note_T = voice(440 * 2 ** ((midi - 69) / 12), note_s, rate, random)
        first = round(start_s * rate)
        wave_T[first : first + len(note_T)] += note_T * 10 ** (random.uniform(-12, 0) / 20)
        start_s += note_s * float(random.choice([1.0, 1.0, 1.0, 1.4]))
    wave_T = wave_T[: round(duration_s * rate)]
    return np.asarray(0.5 * wave_T / np.abs(wave_T).max(), np.float32)[:, None]


def _envelope(
    time_T: NDArray[np.float64], duration_s: float, attack_s: float, release_s: float
) -> NDArray[np.float64]:
    """From nothing to 1 and, before the end, back."""
    return np.minimum(1, time_T / attack_s) * np.clip((duration_s - time_T) / release_s, 0, 1)
