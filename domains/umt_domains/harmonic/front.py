"""The ear of the harmonic encoder: a log-frequency spectrum, relative to a slow level.

Two views, of long and of short windows, see pitch finely and time finely. Each spectrum is
folded into bins a third of a semitone wide, and copies shifted by the harmonic series are
stacked, so that a small convolution sees a note's fundamental and its overtones in one place.

Source: harmonic stacking, Bittner et al., Deep Salience Representations (ISMIR 2017).

B batch, T samples, F latent frames, S STFT frames (two a latent frame), K log bins,
H harmonic shifts, V views.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.harmonic.config import LATENT_HOP, LOWEST_MIDI, NUM_PITCHES, SAMPLE_RATE

STFT_HOP = LATENT_HOP // 2
FRAMES_AT_A_TIME = 32
BINS_PER_SEMITONE = 3
NUM_BINS = NUM_PITCHES * BINS_PER_SEMITONE
HARMONICS = (0.5, 1, 2, 3, 4, 5, 6, 7, 8)
SHIFTS = tuple(round(12 * BINS_PER_SEMITONE * math.log2(h)) for h in HARMONICS)
LOWEST_BIN, HIGHEST_BIN = min(SHIFTS), NUM_BINS + max(SHIFTS)
SPECTRUM_REACH = 8192
"""Samples that the spectrum of a frame looks beyond the frame, on either side."""

LEVEL_PAST_FRAMES = 400
LEVEL_FUTURE_FRAMES = 12
LEVEL_FLOOR = 1e-4  # −80 dBFS: below it, quiet is heard as quiet and not made loud
VIEWS, SHORT_VIEW = 2, 1
NUM_CHANNELS = VIEWS * len(HARMONICS)


@dataclass(frozen=True, order=True)
class Window:
    """A Hann window and the log bins that are read through it."""

    size: int
    """In samples that are kept."""
    hop: int
    """In samples of the input; the latents' or half of it."""
    keep_every: int = 1
    """More than one: the input is low-passed and thinned, for only low bins are read."""
    first_bin: int = LOWEST_BIN
    end_bin: int = HIGHEST_BIN

    @property
    def rate(self) -> float:
        """Samples a second that are kept."""
        return SAMPLE_RATE / self.keep_every


SEAM_BIN = 6 * 12 * BINS_PER_SEMITONE
"""1.7 kHz, between A6 and B♭6: above it even short windows tell semitones apart."""

View = tuple[tuple[Window, int, int], ...]
"""Windows and the bins, first and end, that are taken from each, from low to high."""

LONG, MIDDLE = Window(16_384, LATENT_HOP), Window(4_096, STFT_HOP)
LOW = Window(2_304, LATENT_HOP, keep_every=7, end_bin=SEAM_BIN)
HIGH = Window(1_024, STFT_HOP, first_bin=SEAM_BIN)

FRONT_ENDS: Mapping[int, tuple[View, View]] = {
    1: (((LONG, LOWEST_BIN, HIGHEST_BIN),), ((MIDDLE, LOWEST_BIN, HIGHEST_BIN),)),
    2: (
        ((LOW, LOWEST_BIN, SEAM_BIN), (MIDDLE, SEAM_BIN, HIGHEST_BIN)),
        ((MIDDLE, LOWEST_BIN, SEAM_BIN), (HIGH, SEAM_BIN, HIGHEST_BIN)),
    ),
}
"""The views of each version. A version's numbers never change: trained weights rely on them."""


class LogSpectrum(nn.Module):
    """Waveform and its level → harmonically stacked log spectra.

    Args:
        version: a key of `FRONT_ENDS`.

    Shape:
        wav_BT: (B, F·hop + 2·SPECTRUM_REACH), level_BF: (B, F), F frames of hop = 882
        returns: (B, V·H, K, 2F), about −1 (nothing) to 1 (as loud as all the music)
    """

    def __init__(self, version: int) -> None:
        super().__init__()
        self._views = FRONT_ENDS[version]
        self._windows = sorted({window for view in self._views for window, _, _ in view})
        self._readings = nn.ModuleList(map(_Reading, self._windows))

    def forward(self, wav_BT: Tensor, level_BF: Tensor) -> Tensor:
        """Spectra of F frames from their samples and SPECTRUM_REACH more on both sides."""
        # bfloat16 has three digits, and what is soft beside what is loud needs more
        with torch.autocast(wav_BT.device.type, enabled=False):
            return self._stacked(wav_BT, level_BF)

    def _stacked(self, wav_BT: Tensor, level_BF: Tensor) -> Tensor:
        level_BS = level_BF.repeat_interleave(2, dim=1)[:, None]
        read = {
            w: reading(wav_BT) for w, reading in zip(self._windows, self._readings, strict=True)
        }
        spectra = []
        for view in self._views:
            parts = [read[w][:, first - w.first_bin : end - w.first_bin] for w, first, end in view]
            magnitude_BKS = torch.cat(parts, dim=1)
            # one smooth curve from linear near silence to logarithmic: no hard threshold
            log_BKS = torch.log10(magnitude_BKS / (level_BS + LEVEL_FLOOR) + 1e-4)
            spectra.append(log_BKS / 2 + 1)
        stacked_BVKS = torch.stack(spectra, dim=1)
        return torch.cat([_harmonic(stacked_BVKS, shift) for shift in SHIFTS], dim=1)


class _Reading(nn.Module):
    """Magnitudes of sinusoids through one window, folded into its log bins.

    Shape:
        wav_BT: as `LogSpectrum`
        returns: (B, K of this window, S)
    """

    _hann: Tensor
    _low_pass: Tensor

    def __init__(self, window: Window) -> None:
        super().__init__()
        self._window = window
        hann = torch.hann_window(window.size)
        # a sinusoid of amplitude 1 reads about 1, however many FFT bins its lobe covers
        self.register_buffer("_hann", hann * (2 / hann.sum()), persistent=False)
        self.register_buffer("_low_pass", _low_pass(window.keep_every), persistent=False)
        self._ranges: list[tuple[int, int]] = []
        for low, high, weights in _bands(window):
            self.register_buffer(f"_band_{len(self._ranges)}", weights.T, persistent=False)
            self._ranges.append((low, high))

    def forward(self, wav_BT: Tensor) -> Tensor:
        window = self._window
        span = (window.size - 1) * window.keep_every + self._low_pass.shape[-1]
        # frames are centred in the middle of their hops
        around = SPECTRUM_REACH + (window.hop - span) // 2
        wav_BT = wav_BT[:, around : wav_BT.shape[1] - around]
        if window.keep_every > 1:
            kept = functional.conv1d(wav_BT[:, None], self._low_pass, stride=window.keep_every)
            wav_BT = kept[:, 0]
        frames_BSN = wav_BT.unfold(1, window.size, window.hop // window.keep_every)
        # some frames at a time: fresh memory for all their spectra would cost more than they
        some = frames_BSN.split(FRAMES_AT_A_TIME, dim=1)
        power_BSK = torch.cat([self._power(frames * self._hann) for frames in some], dim=1)
        magnitude_BKS = power_BSK.add(1e-20).sqrt().transpose(1, 2).contiguous()
        return magnitude_BKS.repeat_interleave(window.hop // STFT_HOP, dim=-1)

    def _power(self, frames_BSN: Tensor) -> Tensor:
        """Windowed frames → power in log bins: (B, S, K)."""
        # squared as pairs that lie together: their parts by themselves would be read in steps
        squares = torch.view_as_real(torch.fft.rfft(frames_BSN)).square()
        power_BSN = squares[..., 0] + squares[..., 1]
        folded = [
            power_BSN[..., low:high] @ getattr(self, f"_band_{octave}")
            for octave, (low, high) in enumerate(self._ranges)
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
    with torch.autocast(wav_BT.device.type, enabled=False):
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


def _harmonic(stacked_BVKS: Tensor, shift: int) -> Tensor:
    start = shift - LOWEST_BIN
    return stacked_BVKS[:, :, start : start + NUM_BINS]


def _low_pass(keep_every: int) -> Tensor:
    """A filter before thinning, (1, 1, taps): −0.01 dB where bins are read, −70 dB alias."""
    if keep_every == 1:
        return torch.ones(1, 1, 1)
    reach = 6 * keep_every
    n = torch.arange(-reach, reach + 1)
    taps = torch.sinc(n / keep_every) * torch.kaiser_window(len(n), periodic=False, beta=7.0)
    return (taps / taps.sum())[None, None]


def _bands(window: Window) -> list[tuple[int, int, Tensor]]:
    """Gaussian filters on a log-frequency axis, an octave at a time.

    Filters of one octave touch only that octave's FFT bins, so a dense product for each
    octave costs a fraction of one product for all.
    """
    bins = torch.arange(window.first_bin, window.end_bin)
    midi = LOWEST_MIDI + (bins - BINS_PER_SEMITONE // 2) / BINS_PER_SEMITONE
    centre_hz = 440 * 2 ** ((midi - 69) / 12)
    resolution_hz = window.rate / window.size
    width_hz = (centre_hz * (2 ** (1 / 36) - 1)).clamp_min(0.75 * resolution_hz)
    fft_hz = torch.arange(window.size // 2 + 1) * resolution_hz
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
