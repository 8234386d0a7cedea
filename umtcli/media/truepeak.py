"""The highest point of the waveform between its samples.

Source: ITU-R BS.1770-4, annex 2: oversample to at least 176 kHz, take the largest value.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_TAPS = 24
"""Samples that each in-between value is made from, half of them on each side."""
_FRAME = 64
"""Samples oversampled, or skipped, together."""
_MIN_RATE = 176_000
_ROWS = 8
"""Frames oversampled by one product: so few that numpy's BLAS starts no threads for it, which
would take cores from the networks."""


class TruePeak:
    """Measures the true peak of a stream of float32 (T, C) blocks, C channels together.

    Most frames cannot hold the highest peak: an in-between value is at most the sum of
    the filter's magnitudes times the largest sample around it. Only frames that could
    exceed the peak found so far are oversampled.

    Args:
        sample_rate: of the stream (Hz).
        num_channels: C.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        factor = 1 << max(0, math.ceil(math.log2(_MIN_RATE / sample_rate)))
        taps = _phases(factor)
        self._most_gain = float(np.abs(taps).sum(axis=1).max(initial=1.0))
        self._toeplitz = _toeplitz(taps)
        self._peak = 0.0
        # the filter's left half looks back into silence at first
        self._tail = np.zeros((num_channels, _TAPS // 2), np.float32)

    def push(self, block: npt.NDArray[np.float32]) -> None:
        """Feed (T, C) samples."""
        self._peak = max(self._peak, float(np.abs(block).max(initial=0.0)))
        samples = np.concatenate([self._tail, block.T], axis=1)
        num_frames = max(0, samples.shape[1] - (_TAPS - 1)) // _FRAME
        if num_frames:
            self._scan(samples, num_frames)
        self._tail = samples[:, num_frames * _FRAME :].copy()

    def dbtp(self) -> float:
        """The highest peak so far (dBTP); -inf for silence.

        The surroundings of the last samples are taken as silence.
        """
        rest = self._tail.shape[1]
        padded = np.pad(self._tail, ((0, 0), (0, _TAPS - 1 + _FRAME)))
        self._scan(padded, math.ceil(rest / _FRAME))
        return 20 * math.log10(self._peak) if self._peak > 0 else -math.inf

    def _scan(self, samples: npt.NDArray[np.float32], num_frames: int) -> None:
        width = _FRAME + _TAPS - 1
        for channel in samples:
            views = np.lib.stride_tricks.sliding_window_view(channel, width)[::_FRAME][:num_frames]
            magnitude = np.abs(channel[: num_frames * _FRAME]).reshape(num_frames, _FRAME)
            frame_peaks = magnitude.max(axis=1)
            # a frame's taps reach into the next one
            reach = np.append(frame_peaks[1:], np.abs(channel[num_frames * _FRAME :]).max())
            bounds = np.maximum(frame_peaks, reach) * self._most_gain
            # the loudest quarter first: it lets most of the others be skipped
            for floor in (0.75 * float(bounds.max(initial=0.0)), 0.0):
                chosen = (bounds > self._peak) & (bounds >= floor)
                frames = views[chosen]
                for first in range(0, len(frames), _ROWS):
                    between = frames[first : first + _ROWS] @ self._toeplitz
                    self._peak = max(self._peak, float(np.abs(between).max()))
                bounds[chosen] = 0.0


def _phases(factor: int) -> npt.NDArray[np.float64]:
    """The interpolators for the points between two samples, (factor - 1, taps).

    A sinc under a Kaiser window; each is scaled to keep a constant as it is.
    """
    fractions = np.arange(1, factor)[:, None] / factor
    position = np.arange(_TAPS)[None] - (_TAPS // 2 - 1) - fractions
    window = np.i0(7.0 * np.sqrt(np.clip(1 - (2 * position / _TAPS) ** 2, 0, None)))
    taps = np.sinc(position) * window
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float64)


def _toeplitz(taps: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """All phases at all places of a frame as one matrix, (frame + taps - 1, frame · phases)."""
    num_phases = len(taps)
    matrix = np.zeros((_FRAME + _TAPS - 1, _FRAME, num_phases), np.float32)
    for place in range(_FRAME):
        matrix[place : place + _TAPS, place] = taps.T
    return matrix.reshape(len(matrix), _FRAME * num_phases)
