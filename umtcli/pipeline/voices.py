"""The channels of one file on their way through one network.

mono file      ─▶ one voice
stereo file    ─▶ two voices with one randomness key, or their mid as one voice
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from umtcli.domain import Streams


class Voices:
    """A few streams that advance in step.

    While every block so far was the same in all voices, the first one's result stands in
    for all: equal channels stay identical to the last bit, even where a network's
    arithmetic rounds differently in another row of its batch.
    """

    def __init__(self, streams: Streams, num_voices: int) -> None:
        """Open the streams.

        Args:
            streams: the network's streams; others may be open in it.
            num_voices: 1 or 2.
        """
        self._streams = streams
        # Every file gets the same key: what else is converted in a run changes nothing.
        self._ids = [streams.open(key=0) for _ in range(num_voices)]
        self._equal = True

    def push(self, blocks: Sequence[Tensor]) -> list[Tensor]:
        """Feed one block a voice; return what became ready, one block a voice."""
        self._equal = self._equal and all(torch.equal(blocks[0], other) for other in blocks[1:])
        ready = self._streams.push(dict(zip(self._ids, blocks, strict=True)))
        return self._in_order(ready)

    def finish(self) -> list[Tensor]:
        """End the voices and return what is left of each."""
        return self._in_order(self._streams.finish(self._ids))

    def _in_order(self, ready: dict[int, Tensor]) -> list[Tensor]:
        if self._equal:
            return [ready[self._ids[0]]] * len(self._ids)
        return [ready[stream_id] for stream_id in self._ids]
