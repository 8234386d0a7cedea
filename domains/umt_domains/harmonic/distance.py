"""How far what a decoder plays is from the music: by spectra, and by bands as wide as the ear's.

Both look through windows of several lengths. Bins of single spectra tell pitches and partials.
But noise fills bins at random, and two sounds of equal noise lie far apart in each; a band sums
over many bins, and tells how much there is.

B examples, T samples, N bins, M bands, S frames.

Source: multi-resolution STFT loss, Yamamoto et al., Parallel WaveGAN (ICASSP 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from umt_domains.harmonic.config import SAMPLE_RATE

WINDOWS = (4096, 2048, 1024, 512, 256)
BAND_WINDOWS = WINDOWS[:-1]
"""In the shortest a seventh of the bands have no bin."""
NUM_BANDS = 80
LOWEST_HZ, HIGHEST_HZ = 40.0, 16_000.0

Spectra = Sequence[tuple[Tensor, Tensor]]
"""(B, N, S) magnitudes of what was played and of what was wanted, for each of `WINDOWS`."""


def spectra(played_BT: Tensor, wanted_BT: Tensor) -> Spectra:
    """Magnitudes through all windows, 1 for a sine of amplitude 1.

    Shape:
        both: (B, T), T from 4096 on
        returns: for each window (B, N, S), twice, with N = window / 2 + 1 and
            S = 1 + (T − window) // (window / 4)
    """
    return [(_magnitudes(played_BT, size), _magnitudes(wanted_BT, size)) for size in WINDOWS]


def spectral_distance(both: Spectra) -> Tensor:
    """Mean distance of bins: linear where it is loud, and of logarithms where it is soft."""
    total = both[0][0].new_zeros(())
    for played, wanted in both:
        linear = (played - wanted).abs().sum((1, 2)) / (
            wanted.sum((1, 2)) + 1e-3 * wanted[0].numel()
        )
        log = ((played + 1e-4).log10() - (wanted + 1e-4).log10()).abs().mean((1, 2))
        total = total + (linear + 0.7 * log).mean()
    return total / len(both)


def band_distance(both: Spectra) -> Tensor:
    """Mean distance of mel bands, in factors of ten of amplitude: 20 dB apart are 1."""
    total = both[0][0].new_zeros(())
    # a sum of bfloat16 would tell levels to half a decibel
    with torch.autocast(total.device.type, enabled=False):
        for size, (played, wanted) in zip(BAND_WINDOWS, both, strict=False):
            levels = [_band_levels(x, size) for x in (played, wanted)]
            total = total + (levels[0] - levels[1]).abs().mean() / 2
    return total / len(BAND_WINDOWS)


def _band_levels(magnitudes_BNS: Tensor, size: int) -> Tensor:
    """Logarithms of the power in each band: (B, S, M)."""
    power_BSN = magnitudes_BNS.float().square().transpose(1, 2)
    return ((power_BSN @ _bands(size).to(power_BSN)) + 1e-7).log10()


def _magnitudes(wav_BT: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size, device=wav_BT.device)
    spectrum = torch.stft(wav_BT, size, size // 4, window=window, center=False, return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    return (power + 1e-12).sqrt() * (2 / window.sum())


@cache
def _bands(size: int) -> Tensor:
    """Triangles that overlap by half, evenly spread in mel: (N, M)."""
    low, high = (float(_mel(torch.tensor(hertz))) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    corners = torch.linspace(low, high, NUM_BANDS + 2)
    mel = _mel(torch.linspace(0, SAMPLE_RATE / 2, size // 2 + 1))[:, None]
    distance = (mel - corners[1:-1]).abs() / (corners[1] - corners[0])
    return (1 - distance).clamp_min(0)


def _mel(hertz: Tensor) -> Tensor:
    return 2595 * torch.log10(1 + hertz / 700)
