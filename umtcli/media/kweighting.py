"""The K-weighting filter of BS.1770: a shelf for the head, a high-pass for the ear.

The standard gives its two biquads for 48 kHz only. They come from analogue prototypes
by the bilinear transform, which gives them for any rate.

Source: ITU-R BS.1770-4, annex 1; prototypes from B. De Man, Evaluation of
Implementations of the EBU R128 Loudness Measurement, AES e-Brief 2018.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

Biquad = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Numerator and denominator, by ascending powers of z⁻¹; the denominator begins with 1."""

_MEMORY_S = 0.12
"""Both filters' impulse responses fall below 1e-12 within this: the slower poles are at
38 Hz, double, so that they decay by exp(-2π · 38 · 0.12) = 3e-13."""


def k_weighting_biquads(sample_rate: int) -> tuple[Biquad, Biquad]:
    """The shelf and the high-pass for a sample rate (Hz)."""
    return _shelf(sample_rate), _high_pass(sample_rate)


def _shelf(sample_rate: int) -> Biquad:
    gain_db, quality, frequency_hz = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = math.tan(math.pi * frequency_hz / sample_rate)
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / quality + k * k
    b = (
        (high + band * k / quality + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / quality + k * k) / a0,
    )
    return b, (1.0, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0)


def _high_pass(sample_rate: int) -> Biquad:
    quality, frequency_hz = 0.5003270373238773, 38.13547087602444
    k = math.tan(math.pi * frequency_hz / sample_rate)
    a0 = 1 + k / quality + k * k
    # the standard leaves the numerator at (1, -2, 1): its gain is part of the -0.691 LU
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0)


class KWeighting:
    """K-weights a stream of (T, C) blocks, exactly as long as it is, in single precision.

    Recursion sample by sample is slow in Python. The filters forget within 120 ms, so
    that they are applied as one FIR by FFT, overlap-save:

        ├─ memory ─┼──────────── new samples ────────────┤   one FFT
        │ discarded │             valid output             │

    Args:
        sample_rate: of the stream (Hz).
        num_channels: C.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._memory = math.ceil(_MEMORY_S * sample_rate)
        self._fft_samples = 1 << (6 * self._memory - 1).bit_length()
        self._hop = self._fft_samples - self._memory
        import torch  # takes a second: umtcli.media is wanted without it, too

        self._response = torch.from_numpy(_frequency_response(sample_rate, self._fft_samples))
        self._window = np.zeros((num_channels, self._fft_samples), np.float32)
        self._filled = 0  # new samples in the window

    def push(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Feed (T, C) samples; return the (C, T') weighted ones that became ready."""
        ready = []
        samples = block.T
        while samples.shape[1] >= (room := self._hop - self._filled):
            self._fill(samples[:, :room])
            samples = samples[:, room:]
            ready.append(self._filter())
            self._window[:, : self._memory] = self._window[:, self._hop :].copy()
            self._filled = 0
        self._fill(samples)
        return np.concatenate([self._window[:, :0], *ready], axis=1)

    def rest(self) -> npt.NDArray[np.float32]:
        """The weighted samples that no push has returned yet, (C, T'); changes nothing."""
        # what lies beyond the filled part is stale: the filter is causal, and the circular
        # FFT brings it round into the memory only, which is discarded
        return self._filter()[:, : self._filled]

    def _fill(self, samples: npt.NDArray[np.float32]) -> None:
        start = self._memory + self._filled
        self._window[:, start : start + samples.shape[1]] = samples
        self._filled += samples.shape[1]

    def _filter(self) -> npt.NDArray[np.float32]:
        import torch

        # its FFT takes a quarter of the time of numpy's
        spectrum = torch.fft.rfft(torch.from_numpy(self._window)) * self._response
        weighted: npt.NDArray[np.float32] = torch.fft.irfft(spectrum, self._fft_samples).numpy()
        return weighted[:, self._memory :]


@functools.lru_cache(maxsize=8)
def _frequency_response(sample_rate: int, fft_samples: int) -> npt.NDArray[np.complex64]:
    delay = np.exp(-2j * np.pi * np.arange(fft_samples // 2 + 1) / fft_samples)  # z⁻¹
    response = np.ones(len(delay), np.complex128)
    for (b0, b1, b2), (a0, a1, a2) in k_weighting_biquads(sample_rate):
        response *= (b0 + (b1 + b2 * delay) * delay) / (a0 + (a1 + a2 * delay) * delay)
    return response.astype(np.complex64)
