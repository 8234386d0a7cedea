"""The ear of the harmonic encoder: a log-frequency spectrum, relative to a slow level.

Two window lengths see pitch finely and time finely. Each spectrum is folded into bins a
third of a semitone wide, and copies shifted by the harmonic series are stacked, so that
a small convolution sees a note's fundamental and its overtones in one place.

Source: harmonic stacking, Bittner et al., Deep Salience Representations (ISMIR 2017).

B batch, T samples, F latent frames, S STFT frames (two a latent frame), K log bins,
H harmonic shifts, W windows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.harmonic.config import LATENT_HOP, LOWEST_MIDI, NUM_PITCHES, SAMPLE_RATE

STFT_HOP = LATENT_HOP // 2
WINDOWS = {16_384: LATENT_HOP, 4_096: STFT_HOP}
"""STFT sizes and their hops: the long window is too slow to need more than one a frame."""
FRAMES_AT_A_TIME = 64
BINS_PER_SEMITONE = 3
NUM_BINS = NUM_PITCHES * BINS_PER_SEMITONE
HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7, 8)
SHIFTS = tuple(round(12 * BINS_PER_SEMITONE * math.log2(h)) for h in HARMONICS)
LOWEST_BIN, HIGHEST_BIN = min(SHIFTS), NUM_BINS + max(SHIFTS)
SPECTRUM_REACH = max(WINDOWS) // 2
"""Samples that the spectrum of a frame looks beyond the frame, on either side."""

LEVEL_PAST_FRAMES = 400
LEVEL_FUTURE_FRAMES = 12
LEVEL_FLOOR = 1e-4  # −80 dBFS: below it, quiet is heard as quiet and not made loud
NUM_CHANNELS = len(WINDOWS) * len(HARMONICS)


class LogSpectrum(nn.Module):
    """Waveform and its level → harmonically stacked log spectra.

    Shape:
        wav_BT: (B, F·hop + 2·SPECTRUM_REACH), level_BF: (B, F), F frames of hop = 882
        returns: (B, W·H, K, 2F), about −1 (nothing) to 1 (as loud as all the music)
    """

    def __init__(self) -> None:
        super().__init__()
        for size in WINDOWS:
            self.register_buffer(f"window_{size}", torch.hann_window(size), persistent=False)
        self._bands = {size: _bands(size) for size in WINDOWS}

    def forward(self, wav_BT: Tensor, level_BF: Tensor) -> Tensor:
        """Spectra of F frames from their samples and SPECTRUM_REACH more on both sides."""
        level_BS = level_BF.repeat_interleave(2, dim=1)[:, None]
        spectra = []
        for size, hop in WINDOWS.items():
            magnitude_BKS = self._folded(wav_BT, size, hop)
            # one smooth curve from linear near silence to logarithmic: no hard threshold
            log_BKS = torch.log10(magnitude_BKS / (level_BS + LEVEL_FLOOR) + 1e-4)
            spectra.append(log_BKS / 2 + 1)
        # channels last in memory, as the network wants them
        stacked = torch.stack(spectra, dim=-1)
        return torch.cat([_harmonic(stacked, shift) for shift in SHIFTS], -1).permute(0, 3, 1, 2)

    def _folded(self, wav_BT: Tensor, size: int, hop: int) -> Tensor:
        """Magnitudes of sinusoids, folded into log bins: (B, K + margins, S)."""
        # frames are centred in the middle of their hops
        around = SPECTRUM_REACH + hop // 2 - size // 2
        frames_BSN = wav_BT[:, around : wav_BT.shape[1] - around].unfold(1, size, hop)
        window: Tensor = getattr(self, f"window_{size}")
        # a sinusoid of amplitude 1 reads about 1, however many FFT bins its lobe covers
        window = window * (2 / window.sum())
        # some frames at a time: fresh memory for all their spectra would cost more than they
        some = frames_BSN.split(FRAMES_AT_A_TIME, dim=1)
        power = torch.cat([self._folded_power(frames * window, size) for frames in some], dim=1)
        magnitude = power.add(1e-20).sqrt().transpose(1, 2).contiguous()
        return magnitude.repeat_interleave(hop // STFT_HOP, dim=-1) if hop > STFT_HOP else magnitude

    def _folded_power(self, frames_BSN: Tensor, size: int) -> Tensor:
        """Windowed frames → power in log bins: (B, S, K + margins)."""
        power_BSN = _power(torch.fft.rfft(frames_BSN))
        folded = [
            power_BSN[..., low:high] @ weights.to(power_BSN.device).T
            for low, high, weights in self._bands[size]
        ]
        return torch.cat(folded, dim=2)


def frame_level(wav_BT: Tensor, valid_F: Tensor) -> Tensor:
    """How loud the music has been lately: a slow, smooth amplitude for each latent frame.

    A fourth-power mean over the last eight seconds and the next quarter of a second:
    it rises with the first loud note and falls slowly, so that a decaying note is heard
    to decay. Multiplying the audio multiplies the level: nothing depends on gain.

    Args:
        wav_BT: (B, (past + F + future)·hop) samples.
        valid_F: (past + F + future,), 0 where there is no stream yet, else 1.

    Shape:
        returns: (B, F)
    """
    frames = wav_BT.unflatten(-1, (-1, LATENT_HOP))
    square_BF = frames.square().mean(-1).square()
    kernel = _level_kernel().to(wav_BT)[None, None]
    total = functional.conv1d(square_BF[:, None], kernel)[:, 0]
    weight = functional.conv1d(valid_F.to(wav_BT)[None, None], kernel)[0, 0]
    return (total / weight.clamp_min(1e-3) + 1e-24).pow(0.25)


def _level_kernel() -> Tensor:
    """Weights from the past (first) to the future (last), the present at index past."""
    age_s = torch.arange(LEVEL_PAST_FRAMES, -1, -1) * LATENT_HOP / SAMPLE_RATE
    oldest_s = LEVEL_PAST_FRAMES * LATENT_HOP / SAMPLE_RATE
    taper = torch.cos(((age_s - oldest_s / 2).clamp_min(0) / oldest_s) * math.pi).square()
    past = torch.exp(-age_s / 3) * taper
    return torch.cat([past, torch.ones(LEVEL_FUTURE_FRAMES)])


def _harmonic(stacked_BKSW: Tensor, shift: int) -> Tensor:
    start = shift - LOWEST_BIN
    return stacked_BKSW[:, start : start + NUM_BINS]


def _bands(size: int) -> list[tuple[int, int, Tensor]]:
    """Gaussian filters on a log-frequency axis, an octave at a time.

    Filters of one octave touch only that octave's FFT bins, so a dense product for each
    octave costs a fraction of one product for all.
    """
    bins = torch.arange(LOWEST_BIN, HIGHEST_BIN)
    midi = LOWEST_MIDI + (bins - BINS_PER_SEMITONE // 2) / BINS_PER_SEMITONE
    centre_hz = 440 * 2 ** ((midi - 69) / 12)
    resolution_hz = SAMPLE_RATE / size
    width_hz = (centre_hz * (2 ** (1 / 36) - 1)).clamp_min(0.75 * resolution_hz)
    fft_hz = torch.arange(size // 2 + 1) * resolution_hz
    bands = []
    for first in range(0, len(bins), 12 * BINS_PER_SEMITONE):
        part = slice(first, first + 12 * BINS_PER_SEMITONE)
        centre, width = centre_hz[part, None], width_hz[part, None]
        low = max(0, int((centre[0] - 4 * width[0]) / resolution_hz))
        high = min(len(fft_hz), int((centre[-1] + 4 * width[-1]) / resolution_hz) + 2)
        low = min(low, len(fft_hz) - 1)
        weights = torch.exp(-0.5 * ((fft_hz[None, low:high] - centre) / width) ** 2)
        bands.append((low, high, weights))
    return bands


def _power(spectrum: Tensor) -> Tensor:
    real, imag = spectrum.real, spectrum.imag
    return real * real + imag * imag
