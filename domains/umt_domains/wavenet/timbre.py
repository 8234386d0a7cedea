"""A distortion beyond the paper's: what the encoder hears has another timbre.

An encoder that few steps teach tells instruments apart by their spectra, and each decoder knows
what it hears in its own. Where every recording is heard in many timbres, decoders learn to play
by what these have in common.

    heard    ── overdriven ── equalized ── at the level it had, or less where it would clip

Nothing moves in time: the equalizer has no phase, and what is overdriven keeps its periods.

T samples, K bands, N frequencies.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

LOWEST_HZ = 80.0
"""Below it an equalizer's gain stays as it is there."""
BANDS_AN_OCTAVE = 1.0
WHOLE_DB = 6.0
"""Gain from which on all is clipped; at 0 nothing is."""
LONGEST_S = 0.05
"""That a narrow band rings; silence of this length is put around the sound."""


def retimbred(
    wav_T: Tensor,
    sample_rate: int,
    random: np.random.Generator,
    equalizer_db: float,
    overdrive_db: float,
) -> Tensor:
    """Overdrive and equalize a waveform at random.

    Args:
        wav_T: float32, on the CPU.
        sample_rate: in Hz.
        random: draws how.
        equalizer_db: the largest gain of a band, up or down.
        overdrive_db: the largest gain before a soft clipper that clips at the waveform's RMS;
            at 0 nothing is clipped.

    Shape:
        returns: (T,)
    """
    level = wav_T.square().mean().sqrt()
    if not level > 0:
        return wav_T.clone()
    heard_T = wav_T
    if overdrive_db > 0:
        heard_T = overdriven(heard_T / level, random.uniform(0, overdrive_db))
    if equalizer_db > 0:
        octaves = math.log2(sample_rate / 2 / LOWEST_HZ)
        num_bands = 1 + math.ceil(octaves * BANDS_AN_OCTAVE)
        gains_K = random.uniform(-equalizer_db, equalizer_db, num_bands)
        heard_T = equalized(heard_T, sample_rate, gains_K)
    heard_T = heard_T * (level / heard_T.square().mean().sqrt())
    return heard_T / heard_T.abs().amax().clamp_min(1)


def overdriven(wav_T: Tensor, gain_db: float) -> Tensor:
    """Through a soft clipper at ±1. Below `WHOLE_DB` some of what was clean is left in."""
    share = min(1.0, gain_db / WHOLE_DB)
    return wav_T + share * (torch.tanh(10 ** (gain_db / 20) * wav_T) - wav_T)


def equalized(wav_T: Tensor, sample_rate: int, gains_K: np.ndarray) -> Tensor:
    """Through an equalizer of gains that are linear between bands by octave; zero phase.

    Args:
        wav_T: float32.
        sample_rate: in Hz.
        gains_K: in dB, of bands from `LOWEST_HZ` to half the sample rate, equally far apart in
            octaves.

    Shape:
        returns: (T,)
    """
    around = round(LONGEST_S * sample_rate)
    length = len(wav_T) + 2 * around
    hertz_N = np.fft.rfftfreq(length, 1 / sample_rate)
    octave_N = np.log2(np.maximum(hertz_N, LOWEST_HZ) / LOWEST_HZ)
    octave_K = np.linspace(0, math.log2(sample_rate / 2 / LOWEST_HZ), len(gains_K))
    gain_N = torch.from_numpy(10 ** (np.interp(octave_N, octave_K, gains_K) / 20)).to(wav_T)
    spectrum_N = torch.fft.rfft(functional.pad(wav_T, (around, around)))
    played_T: Tensor = torch.fft.irfft(spectrum_N * gain_N, n=length)
    return played_T[around:-around]
