"""Changes the sample rate of a stream; the sum of the pieces has the exact length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

Block = npt.NDArray[np.float32]


class Resampler:
    """Resamples float32 (T, C) blocks with soxr's high-quality setting.

    N samples in all give exactly `round(N * rate_out / rate_in)`, however they are cut.
    Linear phase: the output is not shifted against the input.

    Args:
        rate_in: of the blocks pushed (Hz).
        rate_out: of the blocks returned (Hz); if equal, blocks pass untouched.
        num_channels: C.
    """

    def __init__(self, rate_in: int, rate_out: int, num_channels: int) -> None:
        self._rate_in, self._rate_out = rate_in, rate_out
        self._num_channels = num_channels
        self._num_in = self._num_out = 0
        self._stream = (
            None
            if rate_in == rate_out
            else soxr.ResampleStream(rate_in, rate_out, num_channels, dtype="float32", quality="HQ")
        )

    def push(self, block: Block) -> Block:
        """Feed (T, C); return the (T', C) that became ready, T' possibly zero."""
        self._num_in += len(block)
        return self._advance(block, last=False)

    def finish(self) -> Block:
        """Return the rest, (T', C)."""
        rest = self._advance(np.zeros((0, self._num_channels), np.float32), last=True)
        target = round(self._num_in * self._rate_out / self._rate_in)
        surplus = self._num_out - target
        self._num_out = target
        if surplus > 0:
            assert surplus <= len(rest)
            return rest[: len(rest) - surplus]
        return np.concatenate([rest, np.zeros((-surplus, self._num_channels), np.float32)])

    def _advance(self, block: Block, *, last: bool) -> Block:
        ready = block if self._stream is None else self._stream.resample_chunk(block, last=last)
        ready = ready.reshape(-1, self._num_channels)
        self._num_out += len(ready)
        return ready
