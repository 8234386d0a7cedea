"""What happens to practice music before the encoder hears it.

The encoder must hear the same notes through any room, equalizer, codec, noise or
neighbour. Each draw is keyed by (seed, number of the example), so that a run's examples
do not depend on how many processes share them.

T samples, N notes (start_s, end_s, MIDI pitch, level_db).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from umt_domains.harmonic.config import SAMPLE_RATE

Notes = np.ndarray[Any, Any]
Random = np.random.Generator


def recorded(wav_T: Tensor, random: Random, background: Sequence[Tensor] = ()) -> Tensor:
    """The same performance through another room, equalizer, codec and noise.

    Args:
        wav_T: the music.
        random: where the draws come from.
        background: sounds without notes, each at least as long as the music.
    """
    if random.random() < 0.35:
        wav_T = reverberated(wav_T, random)
    if background and random.random() < 0.3:
        wav_T = accompanied(wav_T, background, random)
    if random.random() < 0.6:
        wav_T = equalized(wav_T, random)
    if random.random() < 0.15:
        wav_T = dulled(wav_T, random)
    if random.random() < 0.3:
        wav_T = noisy(wav_T, random)
    return wav_T


def detuned(wav_T: Tensor, notes: Notes, cents: float) -> tuple[Tensor, Notes]:
    """Play faster or slower, and so higher or lower: the notes follow, to the nearest pitch.

    What was played faster ends before the music does; silence follows.
    """
    speed = 2 ** (cents / 1200)
    # float32 would place the samples of a few seconds only to a hundredth of a sample
    position = torch.arange(len(wav_T), dtype=torch.float64) * speed
    below = position.long().clamp(max=len(wav_T) - 2)
    share = (position - below).float()
    inside = position < len(wav_T) - 1
    moved = (wav_T[below] * (1 - share) + wav_T[below + 1] * share) * inside
    notes = notes[notes[:, 0] < len(wav_T) / SAMPLE_RATE]
    notes[:, :2] = notes[:, :2].clip(max=len(wav_T) / SAMPLE_RATE) / speed
    notes[:, 2] += round(cents / 100)
    return moved, notes


def mixed(
    a: Tensor, notes_a: Notes, b: Tensor, notes_b: Notes, b_db: float
) -> tuple[Tensor, Notes]:
    """Two pieces at once, `b` louder than `a` by `b_db`; levels are relative to the sum."""
    gain = 10 ** (b_db / 20)
    down_db = 10 * np.log10(1 + gain**2)
    notes_a, notes_b = notes_a.copy(), notes_b.copy()
    notes_a[:, 3] -= down_db
    notes_b[:, 3] += b_db - down_db
    return a + gain * b, np.concatenate([notes_a, notes_b])


def equalized(wav_T: Tensor, random: Random, strength_db: float = 6.0) -> Tensor:
    """A smooth random equalizer: gains drawn at eight points of the mel axis."""
    gains_db = torch.from_numpy(random.normal(0, strength_db, 8)).float()
    spectrum = torch.fft.rfft(wav_T)
    hertz = torch.linspace(0, SAMPLE_RATE / 2, len(spectrum))
    place = torch.log10(1 + hertz / 700)
    place = place / place[-1] * 7
    below = place.long().clamp(max=6)
    curve_db = torch.lerp(gains_db[below], gains_db[below + 1], place - below)
    played: Tensor = torch.fft.irfft(spectrum * 10 ** (curve_db / 20), n=len(wav_T))
    return played


def reverberated(wav_T: Tensor, random: Random) -> Tensor:
    """A synthetic room: noise that decays within 0.1–1.2 s, darker as it decays."""
    decay_s = random.uniform(0.1, 1.2)
    length = int(decay_s * SAMPLE_RATE)
    age = torch.arange(length) / length
    generator = torch.Generator().manual_seed(int(random.integers(2**62)))
    room = torch.randn(length, generator=generator) * 10 ** (-3 * age)
    dark = functional.avg_pool1d(room[None, None], 9, stride=1, padding=4)[0, 0]
    room = torch.lerp(room, 3 * dark, age)
    room = room / room.square().sum().sqrt() * 10 ** (random.uniform(-18, -3) / 20)
    room[0] += 1.0
    size = 1 << (len(wav_T) + length).bit_length()
    wet: Tensor = torch.fft.irfft(torch.fft.rfft(wav_T, size) * torch.fft.rfft(room, size), size)
    return wet[: len(wav_T)]


def dulled(wav_T: Tensor, random: Random) -> Tensor:
    """A lossy codec's cut of the high frequencies, and quantization noise of 6–12 bits."""
    spectrum = torch.fft.rfft(wav_T)
    cut = int(len(spectrum) * random.uniform(3_500, 16_000) / (SAMPLE_RATE / 2))
    spectrum[cut:] = 0
    wav_T = torch.fft.irfft(spectrum, n=len(wav_T))
    step = wav_T.abs().max().clamp_min(1e-6) * 2.0 ** -random.uniform(6, 12)
    coarse: Tensor = (wav_T / step).round() * step
    return coarse


def noisy(wav_T: Tensor, random: Random) -> Tensor:
    """White noise 25–60 dB below the music."""
    generator = torch.Generator().manual_seed(int(random.integers(2**62)))
    noise = torch.randn(len(wav_T), generator=generator)
    rms = wav_T.square().mean().sqrt()
    return wav_T + noise * rms * 10 ** (random.uniform(-60, -25) / 20)


def accompanied(wav_T: Tensor, background: Sequence[Tensor], random: Random) -> Tensor:
    """Drums or other sounds without notes, 20 dB softer to 3 dB louder than the music."""
    sound = background[int(random.integers(len(background)))]
    first = int(random.integers(len(sound) - len(wav_T) + 1))
    sound = sound[first : first + len(wav_T)]
    ratio = wav_T.square().mean().sqrt() / sound.square().mean().sqrt().clamp_min(1e-4)
    return wav_T + sound * ratio * 10 ** (random.uniform(-20, 3) / 20)
