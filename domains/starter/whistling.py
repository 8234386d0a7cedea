"""A whistle and a hum, synthesized: pitches that glide and tremble as no sampled note does."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from starter.score import Score

SAMPLE_RATE = 44_100

Wave = NDArray[np.float64]

Tone = Callable[[Wave, Wave, Wave], Wave]
"""How a voice sounds at a frequency (Hz) that has come to a phase, with white noise to breathe."""

GLIDE_S = 0.06
"""How long the voice takes from one note of a phrase to the next."""
PHRASE_GAP_S = 0.15
"""After a longer rest, a note begins without a glide."""


def whistle(score: Score, seed: int) -> Wave:
    """Nearly a sine, with breath around it: (round(duration_s · SAMPLE_RATE),)."""

    def tone(_: Wave, phase_T: Wave, noise_T: Wave) -> Wave:
        breath_T = noise_T * np.cos(phase_T)
        return np.asarray(np.sin(phase_T) + 0.04 * np.sin(2 * phase_T) + 0.03 * breath_T)

    return _sing(score, seed, tone, gain=0.3, vibrato_cents=25, attack_s=0.03)


def hum(score: Score, seed: int) -> Wave:
    """A closed mouth: overtones that fall by 12 dB an octave above 350 Hz, and a soft breath.

    Shape:
        (round(duration_s · SAMPLE_RATE),)
    """

    def tone(hertz_T: Wave, phase_T: Wave, noise_T: Wave) -> Wave:
        tone_T = np.zeros(len(phase_T))
        for number in range(1, 13):
            above_T = np.maximum(1.0, number * hertz_T / 350)
            tone_T += np.sin(number * phase_T) / number**0.5 / above_T**2
        return tone_T + 0.005 * noise_T

    return _sing(score, seed, tone, gain=0.25, vibrato_cents=35, attack_s=0.06)


def _sing(
    score: Score, seed: int, tone: Tone, gain: float, vibrato_cents: float, attack_s: float
) -> Wave:
    rng = np.random.default_rng(seed)
    hertz_T, level_T = _contour(score, rng, vibrato_cents, attack_s)
    phase_T = 2 * math.pi * np.cumsum(hertz_T) / SAMPLE_RATE
    noise_T = rng.normal(0, 1, len(phase_T))
    return np.asarray(gain * level_T * tone(hertz_T, phase_T, noise_T))


def _contour(
    score: Score, rng: np.random.Generator, vibrato_cents: float, attack_s: float
) -> tuple[Wave, Wave]:
    """Frequency (Hz) and level of a single line at every sample."""
    num_samples = round(score.duration_s * SAMPLE_RATE)
    pitch_T = np.full(num_samples, 69.0)
    level_T = np.zeros(num_samples)
    last = None
    for note in score.notes:
        first, end = round(note.start_s * SAMPLE_RATE), round(note.end_s * SAMPLE_RATE)
        length = min(end, num_samples) - first
        age_s = np.arange(length) / SAMPLE_RATE
        from_pitch = note.pitch - 1.0
        if last is not None and note.start_s - last.end_s < PHRASE_GAP_S:
            from_pitch = last.pitch
        glide = np.exp(-age_s / (GLIDE_S / 3))
        tremble = np.minimum(1, age_s / 0.3) * np.sin(2 * math.pi * rng.uniform(4.5, 6.5) * age_s)
        bend = rng.normal(0, 0.08) + vibrato_cents / 100 * tremble
        pitch_T[first : first + length] = note.pitch + (from_pitch - note.pitch) * glide + bend
        rise = np.minimum(1, age_s / attack_s)
        fall = np.minimum(1, (length / SAMPLE_RATE - age_s) / 0.05)
        loud = (note.velocity / 127) ** 2
        level_T[first : first + length] = loud * np.sin(math.pi / 2 * np.minimum(rise, fall)) ** 2
        last = note
    return 440 * 2 ** ((pitch_T - 69) / 12), level_T
