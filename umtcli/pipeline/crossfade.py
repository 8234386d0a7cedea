"""Joining two streams by a straight crossfade, piece by piece.

first   ━━━━━━━━━━┳━━━━━━╌╌╌╌╌╌      what follows is not needed
                  ┃ ╲  ╱ ┃
                  ┃ ╱  ╲ ┃
second            ┗━━━━━━┻━━━━━━━━   starts where the crossfade starts
        0       start   start + length
"""

from __future__ import annotations

import torch
from torch import Tensor


class Crossfade:
    """Joins two streams along their last axis, whatever its unit: samples or frames.

    The weight of the second rises in a straight line, from 0 on the first unit of the
    crossfade to 1 on the first after it. Only the crossfade's own stretch of the first
    stream is held in memory.

    Shape:
        all pieces together: (..., start + length of the second stream)
    """

    def __init__(self, start: int, length: int) -> None:
        """Start at unit 0 of the first stream.

        Args:
            start: units of the first stream before the crossfade.
            length: units of the crossfade; 0 for a hard cut.
        """
        self._start, self._length = start, length
        self._tail: Tensor | None = None
        """The first stream from `start` on, as far as the crossfade needs it."""
        self.num_first = self.num_second = 0
        """Units pushed of each stream."""

    @property
    def first_is_over(self) -> bool:
        """True once no more of the first stream is needed."""
        return self.num_first >= self._start + self._length

    @property
    def second_is_faded_in(self) -> bool:
        """True once the second stream is alone."""
        return self.num_second >= self._length

    def push_first(self, block: Tensor) -> Tensor:
        """Feed the first stream; return what lies before the crossfade."""
        room = max(self._start - self.num_first, 0)
        self.num_first += block.shape[-1]
        late = block[..., room:]
        tail = late if self._tail is None else torch.cat([self._tail, late], dim=-1)
        self._tail = tail[..., : self._length].clone()
        return block[..., :room]

    def pad_first(self, like: Tensor) -> Tensor:
        """Fill what the first stream lacks with zeros; return what lies before the crossfade.

        Args:
            like: any block of the stream, for its leading axes.
        """
        missing = max(self._start + self._length - self.num_first, 0)
        return self.push_first(like.new_zeros(*like.shape[:-1], missing))

    def push_second(self, block: Tensor) -> Tensor:
        """Feed the second stream; return it, crossfaded where the crossfade is."""
        assert self._tail is not None, "the first stream comes first"
        faded = min(block.shape[-1], max(self._length - self.num_second, 0))
        # double precision: a long crossfade has more steps than float32 has
        step = torch.arange(self.num_second, self.num_second + faded, dtype=torch.float64)
        weight = (step / max(self._length, 1)).to(block)
        mixed = torch.lerp(self._tail[..., :faded], block[..., :faded], weight)
        self._tail = self._tail[..., faded:]
        self.num_second += block.shape[-1]
        return torch.cat([mixed, block[..., faded:]], dim=-1)
