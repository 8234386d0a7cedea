"""Keeping the output exactly as long as the input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resampled_length(num_samples: int, rate_in: int, rate_out: int) -> int:
    """Samples that `num_samples` at one rate become at another.

    >>> resampled_length(3, 8000, 44100)
    17
    """
    return round(num_samples * rate_out / rate_in)


class ExactLength:
    """Holds audio back that the input does not cover yet, trims or pads at the end.

    Networks work in frames, so what they play ends up to a frame after their input:

        input   ├────────────┤ N samples, not a whole number of frames
        played  ├────────────┼──┤
        let out ├────────────┤ round(N · rate_out / rate_in)
    """

    def __init__(self, rate_in: int, rate_out: int, num_channels: int) -> None:
        self._rates = (rate_in, rate_out)
        self._held = np.zeros((0, num_channels), np.float32)
        self._given = 0

    def push(self, played_TC: NDArray[np.float32], num_heard: int) -> NDArray[np.float32]:
        """Add played audio, take what is certain.

        Args:
            played_TC: the next block, float32 (T, C) at the output rate.
            num_heard: input samples heard so far, at the input rate.
        """
        self._held = np.concatenate([self._held, played_TC])
        room = resampled_length(num_heard, *self._rates) - self._given
        ready, self._held = self._held[:room], self._held[room:]
        self._given += len(ready)
        return ready

    def finish(self, num_heard: int) -> NDArray[np.float32]:
        """What is still missing once the input has ended after `num_heard` samples."""
        ready = self.push(self._held[:0], num_heard)
        missing = resampled_length(num_heard, *self._rates) - self._given
        self._given += missing
        return np.concatenate([ready, np.zeros((missing, ready.shape[1]), np.float32)])
