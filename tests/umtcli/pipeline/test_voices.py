"""Equal channels give identical results, even from a network that rounds by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from umtcli.pipeline.voices import Voices


class RowDependent:
    """Doubles its input, and adds a little that depends on the stream's place in the batch."""

    def __init__(self) -> None:
        self.keys: list[int] = []

    def open(self, key: int = 0) -> int:
        self.keys.append(key)
        return len(self.keys) - 1

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        return {i: 2 * block + 1e-7 * i for i, block in blocks.items()}

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        return {i: torch.full((2,), 1e-7 * i) for i in ids}


def test_equal_voices_are_identical() -> None:
    voices = Voices(RowDependent(), 2)
    block = torch.randn(5)
    for left, right in [voices.push([block, block.clone()]), voices.finish()]:
        assert torch.equal(left, right)


def test_voices_are_themselves_once_they_differ() -> None:
    voices = Voices(RowDependent(), 2)
    same = torch.zeros(5)
    voices.push([same, same])
    voices.push([same, same + 1])
    left, right = voices.push([same, same])
    assert not torch.equal(left, right)


def test_the_channels_of_a_file_share_their_randomness() -> None:
    streams = RowDependent()
    Voices(streams, 2)
    Voices(streams, 1)
    assert len(set(streams.keys)) == 1
