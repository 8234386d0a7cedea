"""The channels of files on their way through one network, as many as there are in one call.

mono file      ─▶ one voice
stereo file    ─▶ two voices with one randomness key, or their mid as one voice

    file 1 ── voices ─┐              ┌─▶ file 1
    file 2 ── voices ─┼─▶ one push ──┼─▶ file 2
    file 3 ── voices ─┘              └─▶ file 3
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from umtcli.domain import Streams
from umtcli.optional import drop, owed_s


class Voices:
    """A few streams that advance in step: the channels of one file.

    While every block so far was the same in all voices, the first one's result stands in
    for all: equal channels stay identical to the last bit, even where a network's
    arithmetic rounds differently in another row of its batch.
    """

    def __init__(self, num_voices: int) -> None:
        """Prepare; the streams are opened with the first block.

        Args:
            num_voices: 1 or 2.
        """
        self.ids: list[int] = []
        """Of the streams; none before the first block, and none when all is played."""
        self._num_voices = num_voices
        self._equal = True

    def named(self, streams: Streams, blocks: Sequence[Tensor]) -> dict[int, Tensor]:
        """One block a voice, by stream id; opens the streams if these are the first."""
        if not self.ids:
            # Every file gets the same key: what else is converted in a run changes nothing.
            self.ids = [streams.open(key=0) for _ in range(self._num_voices)]
        self._equal = self._equal and all(torch.equal(blocks[0], other) for other in blocks[1:])
        return dict(zip(self.ids, blocks, strict=True))

    def in_order(self, ready: Mapping[int, Tensor]) -> list[Tensor]:
        """What became ready, one block a voice."""
        if self._equal:
            return [ready[self.ids[0]]] * len(self.ids)
        return [ready[stream_id] for stream_id in self.ids]


@dataclass(frozen=True)
class Turn:
    """What one file gives to a network at a time."""

    voices: Voices
    blocks: Sequence[Tensor]
    """One a voice."""
    last: bool = False
    """Whether the file ends with these."""


def advance(streams: Streams, turns: Sequence[Turn]) -> list[list[Tensor]]:
    """Push the blocks of several files in one call, and end those that are over.

    Voices that still have streams after their last turn are owed something: they are to have
    that turn again, without blocks.

    Args:
        streams: of the network; others may be open in it.
        turns: each of another file, or other voices of one.

    Returns:
        For each turn what became ready, one block a voice.
    """
    blocks: dict[int, Tensor] = {}
    for turn in turns:
        blocks |= turn.voices.named(streams, turn.blocks)
    ready = streams.push(blocks)
    over = [stream_id for turn in turns if turn.last for stream_id in turn.voices.ids]
    rest = streams.finish(over) if over else {}
    return [
        _ended(streams, turn, ready, rest) if turn.last else turn.voices.in_order(ready)
        for turn in turns
    ]


def abandon(streams: Streams, voices: Iterable[Voices]) -> None:
    """End streams whose rest nobody wants, so that others can have their places."""
    for each in voices:
        if each.ids:
            drop(streams, each.ids)
            each.ids = []


def _ended(
    streams: Streams, turn: Turn, ready: Mapping[int, Tensor], rest: Mapping[int, Tensor]
) -> list[Tensor]:
    pairs = zip(turn.voices.in_order(ready), turn.voices.in_order(rest), strict=True)
    blocks = [torch.cat(pair, dim=-1) for pair in pairs]
    if not owed_s(streams, turn.voices.ids):
        turn.voices.ids = []
    return blocks
