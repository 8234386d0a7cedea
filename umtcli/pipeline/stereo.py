"""Keeping the stereo image: left against right in every octave as the input has it.

Two channels that went through a network separately, or a mid that was played once, are
weighed against each other in short overlapping frames:

    input  ─▶ frames ─▶ power per octave and side ─┐
                                                   ├─▶ gain per octave and side
    output ─▶ frames ─▶ power per octave and side ─┘            │
                   └────────────────────────────────▶ × gain ─▶ overlap-add ─▶ output

Gains keep an octave's total power, so the timbre stays; they only move it sideways.
K frames, B octaves, N bins, T samples, S = 2 sides.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WINDOW_S = 0.186
"""About 8192 samples at 44.1 kHz: tells the lowest octaves apart, and is below SMOOTHING_S."""
SMOOTHING_S = 0.3
"""Time constant of the powers: longer than a beat of two close notes, shorter than a note."""
LOWEST_HZ = 44.2
"""Upper edge of the lowest band; each further band is one octave (62.5 Hz ± half, …)."""
CROSSFADE_OCTAVES = 0.1
"""Width of the soft edge between the gains of two bands; powers are measured without any."""
LEAK = 1e-6
"""Share of all other octaves in each: an octave that is empty in the input follows the rest."""
SILENCE = 1e-10
"""Power (−100 dBFS) under which the input no longer says where anything belongs."""
MAX_GAIN = 4.0
"""+12 dB: beyond it the side that is too loud goes down instead of the other going up."""
MIN_GAIN = 1e-4


class StereoKeeper:
    """Imposes the input's level difference per octave on the output, as both stream by.

    Equal channels in both input and output come out identical. Silence is left alone.

    Shape:
        push and finish together give as many samples as were played.
    """

    def __init__(self, rate_heard: int, rate_played: int) -> None:
        """Start at sample 0 of both.

        Args:
            rate_heard: sample rate of the input as it is pushed here, in Hz.
            rate_played: sample rate of the output, in Hz.
        """
        window = _window_length(rate_played)
        window_heard = _window_length(rate_heard)
        self._hop = window // 2
        self._heard = _Framer(self._hop * rate_heard / rate_played, window_heard)
        self._played = _Framer(self._hop, window)
        self._octaves_heard_NB = _octave_weights(rate_heard, window_heard)
        self._octaves_NB = _octave_weights(rate_played, window)
        self._edges_NB = _octave_weights(rate_played, window, CROSSFADE_OCTAVES)
        bands = max(self._octaves_heard_NB.shape[1], self._octaves_NB.shape[1])
        self._smooth_heard = _Smoother(bands, self._hop / rate_played)
        self._smooth_played = _Smoother(bands, self._hop / rate_played)
        self._powers_heard = np.zeros((2, 0, bands))
        self._tail = torch.zeros(2, self._hop)
        self._ready_frames = 0
        self._num_played = 0
        self._identical = True

    def push(self, heard_ST: Tensor, played_ST: Tensor) -> Tensor:
        """Feed what was heard and what was played since the last call.

        Args:
            heard_ST: float32 (2, T) at the input rate; may run ahead of what was played.
            played_ST: float32 (2, T') at the output rate.

        Returns:
            float32 (2, T''): the corrected output that is certain now.
        """
        self._identical = self._identical and _same(heard_ST) and _same(played_ST)
        self._num_played += played_ST.shape[1]
        self._heard.push(heard_ST)
        self._played.push(played_ST)
        return self._advance()

    def finish(self) -> Tensor:
        """The rest of the corrected output, once both have ended."""
        done = self._done()
        # enough silence to close every frame that touches the last sample
        self._played.push(torch.zeros(2, 2 * self._played.window))
        frames = -(-self._num_played // self._hop) + 1 - self._ready_frames
        self._heard.push(torch.zeros(2, math.ceil(self._heard.hop * (frames + 2)) * 2))
        return self._advance()[:, : self._num_played - done]

    def _done(self) -> int:
        """Samples given so far: frame 0 straddles sample 0 and completes none."""
        return max(self._ready_frames - 1, 0) * self._hop

    def _advance(self) -> Tensor:
        power_SKB = self._band_power(_spectrum(self._heard.take()), self._octaves_heard_NB)
        self._powers_heard = np.concatenate([self._powers_heard, power_SKB], axis=1)
        frames_SKT = self._played.take(limit=self._powers_heard.shape[1])
        num_frames = frames_SKT.shape[1]
        if num_frames == 0:
            return torch.zeros(2, 0)
        heard_SKB = self._smooth_heard(self._powers_heard[:, :num_frames])
        self._powers_heard = self._powers_heard[:, num_frames:]
        spectrum_SKN = _spectrum(frames_SKT)
        played_SKB = self._smooth_played(self._band_power(spectrum_SKN, self._octaves_NB))
        log_gain_SKB = torch.from_numpy(np.log(_gains(heard_SKB, played_SKB))).float()
        gain_SKN = (log_gain_SKB[:, :, : self._edges_NB.shape[1]] @ self._edges_NB.T).exp()
        wave_SKT = torch.fft.irfft(spectrum_SKN * gain_SKN, n=self._played.window)
        out_ST = self._overlap_add(wave_SKT * _window(self._played.window))
        return out_ST[:1].expand(2, -1) if self._identical else out_ST

    def _overlap_add(self, wave_SKT: Tensor) -> Tensor:
        """Frames (2, K, 2·hop) to samples; the second half of the last one waits."""
        first, second = wave_SKT[..., : self._hop], wave_SKT[..., self._hop :]
        second = torch.cat([self._tail[:, None], second], dim=1)
        self._tail = second[:, -1]
        out_ST = (first + second[:, :-1]).flatten(start_dim=1)
        # frame 0 is centred on sample 0: its first half lies before the music
        skipped = self._hop if self._ready_frames == 0 else 0
        self._ready_frames += wave_SKT.shape[1]
        return out_ST[:, skipped:]

    def _band_power(self, spectrum_SKN: Tensor, octaves_NB: Tensor) -> NDArray[np.float64]:
        """Mean square of the windowed frame in each octave, (2, K, B)."""
        window = 2 * (spectrum_SKN.shape[2] - 1)
        # Parseval: two-sided spectrum over window length, and the window's own mean of 1/2
        power_SKN = (spectrum_SKN.real.square() + spectrum_SKN.imag.square()) * (4 / window**2)
        power_SKB = (power_SKN @ octaves_NB).double().numpy()
        bands = self._smooth_heard.bands
        return np.pad(power_SKB, ((0, 0), (0, 0), (0, bands - power_SKB.shape[2])))


class _Framer:
    """Cuts a stream into overlapping frames centred on every multiple of the hop."""

    def __init__(self, hop: float, window: int) -> None:
        """A hop that is no whole number is rounded frame by frame, without drift."""
        self.hop = hop
        self.window = window
        self._waiting = torch.zeros(2, window // 2)
        self._start = -(window // 2)
        self._next = 0

    def push(self, block_ST: Tensor) -> None:
        self._waiting = torch.cat([self._waiting, block_ST], dim=1)

    def take(self, limit: int | None = None) -> Tensor:
        """The frames that are complete, at most `limit`: (2, K, window)."""
        frames: list[Tensor] = []
        while limit is None or len(frames) < limit:
            begin = round(self._next * self.hop) - self.window // 2 - self._start
            if begin + self.window > self._waiting.shape[1]:
                break
            frames.append(self._waiting[:, begin : begin + self.window])
            self._next += 1
        begin = round(self._next * self.hop) - self.window // 2 - self._start
        # without a clone the whole buffer would live on behind the view
        self._waiting = self._waiting[:, begin:].clone()
        self._start += begin
        return torch.stack(frames, dim=1) if frames else torch.zeros(2, 0, self.window)


class _Smoother:
    """One-pole smoothing of (2, K, B) along K, from silence on."""

    def __init__(self, bands: int, hop_s: float) -> None:
        self.bands = bands
        self._keep = math.exp(-hop_s / SMOOTHING_S)
        self._state = np.zeros((2, bands))

    def __call__(self, power_SKB: NDArray[np.float64]) -> NDArray[np.float64]:
        smooth = np.empty_like(power_SKB)
        for frame in range(power_SKB.shape[1]):
            self._state = self._keep * self._state + (1 - self._keep) * power_SKB[:, frame]
            smooth[:, frame] = self._state
        return smooth


def _gains(heard_SKB: NDArray[np.float64], played_SKB: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amplitude gains (2, K, B) that give the played powers the heard ones' proportion.

    Where the input is silent the played proportion is right by definition, so gains go to
    one. Both sides go through the same arithmetic: swapped sides give swapped gains.
    """
    heard_SKB = heard_SKB + LEAK * heard_SKB.sum(axis=2, keepdims=True)
    played_SKB = played_SKB + 1e-14
    total = played_SKB[0] + played_SKB[1]
    own_share = played_SKB / total
    share = (heard_SKB + SILENCE * own_share) / (heard_SKB[0] + heard_SKB[1] + SILENCE)
    gain = np.sqrt(share / own_share)
    gain /= np.maximum(1.0, np.maximum(gain[0], gain[1]) / MAX_GAIN)
    gain_SKB: NDArray[np.float64] = np.maximum(gain, MIN_GAIN)
    return gain_SKB


@functools.lru_cache(maxsize=16)
def _octave_weights(sample_rate: int, window: int, crossfade: float = 0.0) -> Tensor:
    """How much each FFT bin belongs to each octave: (N, B), rows sum to one.

    Args:
        sample_rate: in Hz.
        window: length of the frames, 2·(N − 1).
        crossfade: width of the edges between two bands, in octaves.
    """
    frequency_N = torch.arange(window // 2 + 1) * (sample_rate / window)
    octave_N = torch.log2(frequency_N.clamp(min=1.0) / LOWEST_HZ)
    num_bands = max(1, math.ceil(math.log2(sample_rate / 2 / LOWEST_HZ))) + 1
    edges_E = torch.arange(num_bands - 1)
    # 0 below an edge, 1 above, a straight line through it; differences make the bands
    above_NE = ((octave_N[:, None] - edges_E) / max(crossfade, 1e-6) + 0.5).clamp(0, 1)
    ones, zeros = torch.ones(len(octave_N), 1), torch.zeros(len(octave_N), 1)
    return torch.cat([ones, above_NE], dim=1) - torch.cat([above_NE, zeros], dim=1)


def _window_length(sample_rate: int) -> int:
    """The power of two nearest to `WINDOW_S`: other lengths cost the FFT several times as much."""
    return 1 << max(6, round(math.log2(WINDOW_S * sample_rate)))


def _window(length: int) -> Tensor:
    """The root of a Hann window: squared, two halves overlapping sum to one."""
    return torch.hann_window(length).sqrt()


def _spectrum(frames_SKT: Tensor) -> Tensor:
    """Windowed spectra (2, K, N); none of none, which the FFT would refuse."""
    num_frames, window = frames_SKT.shape[1:]
    if num_frames == 0:
        return torch.zeros(2, 0, window // 2 + 1, dtype=torch.complex64)
    spectrum_SKN: Tensor = torch.fft.rfft(frames_SKT * _window(window))
    return spectrum_SKN


def _same(wav_ST: Tensor) -> bool:
    return torch.equal(wav_ST[0], wav_ST[1])
