"""Streams from a function of fixed windows: how a network that looks around is streamed.

Many networks see a bounded stretch of their input around each output. Give that function
and its reach to `WindowedStreams`, and the whole `Streams` contract follows:

    input   ─────────┬───────────┬───────┬─────▶
             before  │   step    │ after │            one window
    output           └───────────┘

Window k always covers input [k·step − before, (k+1)·step + after), whatever the pieces it
arrived in: so pieces equal the whole exactly, and each stream is computed by itself, so
neighbours never matter. Beyond its ends a stream is zero. The last window is cut to what
is left, so that short files cost no more than they must.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from umtcli.errors import PluginError

WindowFunction = Callable[[Tensor, int, int], Tensor]
"""(window, start, key) → output of the window's middle.

    window: (..., before + n + after), n input units in the middle, 1 ≤ n ≤ step
    start: absolute index of the middle's first unit
    key: of the stream, for counted randomness
    returns: (..., ceil(n · ratio))
"""


@dataclass
class _Stream:
    key: int
    pending: Tensor
    """Input not yet behind every window that needs it; begins at `start - before`."""
    start: int = 0
    """Absolute index of the next window's middle."""


class WindowedStreams:
    """The `Streams` contract over a function of fixed windows.

    Args:
        function: computes the middle of one window.
        step: input units in the middle of a window.
        before: input units of context before it.
        after: input units of context after it; the lookahead.
        ratio: output units per input unit; `step * ratio` must be whole.
        channels: leading shape of a block, `()` for waveforms and `(C,)` for latents.
        out_channels: leading shape of what the function returns, likewise.
        device: where windows are moved before the function sees them.

    Raises:
        ValueError: windows of these sizes do not tile the stream.
    """

    batches = False
    """Each window is computed by itself: streams gain nothing from being pushed together."""

    def __init__(
        self,
        function: WindowFunction,
        *,
        step: int,
        before: int,
        after: int,
        ratio: Fraction,
        channels: tuple[int, ...] = (),
        out_channels: tuple[int, ...] = (),
        device: str = "cpu",
    ) -> None:
        if step < 1 or before < 0 or after < 0:
            raise ValueError(f"a window of {before} + {step} + {after} units has no middle")
        if (step * ratio).denominator != 1:
            raise ValueError(f"step · ratio must be whole, not {step} · {ratio}")
        self._function = function
        self._step, self._before, self._after = step, before, after
        self._ratio = ratio
        self._channels, self._out_channels = channels, out_channels
        self._device = device
        self._streams: dict[int, _Stream] = {}
        self._next_id = 0

    def open(self, key: int = 0) -> int:
        """Start a stream and return its id."""
        stream_id, self._next_id = self._next_id, self._next_id + 1
        context = torch.zeros(*self._channels, self._before)
        self._streams[stream_id] = _Stream(key, context)
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed blocks; return the middles of all windows they complete."""
        return {i: self._push(self._streams[i], block) for i, block in blocks.items()}

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End streams; return the middles that are left."""
        return {i: self._finish(self._streams.pop(i)) for i in ids}

    def _push(self, stream: _Stream, block: Tensor) -> Tensor:
        stream.pending = torch.cat([stream.pending, block.cpu()], dim=-1)
        ready = []
        while stream.pending.shape[-1] >= self._before + self._step + self._after:
            ready.append(self._advance(stream, self._step))
        return self._joined(ready)

    def _finish(self, stream: _Stream) -> Tensor:
        left = stream.pending.shape[-1] - self._before
        silence = torch.zeros(*self._channels, self._after)
        stream.pending = torch.cat([stream.pending, silence], dim=-1)
        ready = []
        while left > 0:
            ready.append(self._advance(stream, min(left, self._step)))
            left -= self._step
        return self._joined(ready)

    def _advance(self, stream: _Stream, length: int) -> Tensor:
        window = stream.pending[..., : self._before + length + self._after]
        output = self._function(window.to(self._device), stream.start, stream.key)
        wanted = (*self._out_channels, math.ceil(length * self._ratio))
        if tuple(output.shape) != wanted:
            # a frame too many would shift all that follows, window by window
            raise PluginError(
                f"A window of {length} units gave {tuple(output.shape)}; "
                f"at {self._ratio} units for each it must give {wanted}."
            )
        stream.pending = stream.pending[..., length:].clone()
        stream.start += length
        return output.cpu()

    def _joined(self, ready: list[Tensor]) -> Tensor:
        return torch.cat([torch.zeros(*self._out_channels, 0), *ready], dim=-1)
