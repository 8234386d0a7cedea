"""Equal channels give identical results, even from a network that rounds by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from umtcli.pipeline.voices import Turn, Voices, abandon, advance


class RowDependent:
    """Doubles its input, and adds a little that depends on the stream's place in the batch."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.pushes = 0
        self.finished: list[int] = []

    def open(self, key: int = 0) -> int:
        self.keys.append(key)
        return len(self.keys) - 1

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.pushes += 1
        return {i: 2 * block + 1e-7 * i for i, block in blocks.items()}

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        self.finished += ids
        return {i: torch.full((2,), 1e-7 * i) for i in self.finished}


def through(streams: RowDependent, voices: Voices, *blocks: torch.Tensor) -> list[Tensor]:
    """What one file's next blocks become."""
    (ready,) = advance(streams, [Turn(voices, blocks)])
    return ready


def test_equal_voices_are_identical() -> None:
    streams, voices = RowDependent(), Voices(2)
    block = torch.randn(5)
    for last in (False, True):
        ((left, right),) = advance(streams, [Turn(voices, [block, block.clone()], last)])
        assert len(left) == (7 if last else 5)
        assert torch.equal(left, right)


def test_voices_are_themselves_once_they_differ() -> None:
    streams, voices = RowDependent(), Voices(2)
    same = torch.zeros(5)
    through(streams, voices, same, same)
    through(streams, voices, same, same + 1)
    left, right = through(streams, voices, same, same)
    assert not torch.equal(left, right)


def test_the_channels_of_all_files_share_their_randomness() -> None:
    streams = RowDependent()
    block = torch.zeros(5)
    advance(streams, [Turn(Voices(2), [block, block]), Turn(Voices(1), [block])])
    assert streams.keys == [0, 0, 0]


def test_files_go_through_in_one_call_and_each_gets_its_own() -> None:
    streams, one, two = RowDependent(), Voices(1), Voices(1)
    ready = advance(streams, [Turn(one, [torch.ones(3)]), Turn(two, [torch.ones(2)], last=True)])
    assert streams.pushes == 1
    assert [len(blocks[0]) for blocks in ready] == [3, 4]  # with the two that finishing gives
    assert (one.ids, two.ids) == ([0], [])


def test_what_nobody_wants_is_finished() -> None:
    streams, voices = RowDependent(), Voices(2)
    through(streams, voices, torch.zeros(1), torch.zeros(1))
    abandon(streams, [voices, Voices(1)])
    assert streams.finished == [0, 1]
