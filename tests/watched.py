"""Toys whose pushes can be looked at and stopped, for files that are in flight together."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from toy import ToyDecoder, ToyFamily
from umtcli.bundle import Bundle
from umtcli.domain import Streams, Value

PATIENCE_S = 60
"""What a test waits for another thread: reached only where it would fail."""


@dataclass
class Watched:
    """Streams that tell their family of each push."""

    streams: Streams
    family: WatchedFamily
    ids: set[int] = field(default_factory=set)

    @property
    def batches(self) -> bool:
        return self.family.batches

    def open(self, key: int = 0) -> int:
        self.ids.add(stream_id := self.streams.open(key))
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.family.look(self, blocks)
        return self.streams.push(blocks)

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        ended = set(ids)
        self.ids -= ended
        return self.streams.finish(ended)


class WatchedFamily(ToyFamily):
    """Its decoders' pushes can be looked at, and stopped."""

    batches = True

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        raise NotImplementedError

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        decoder: Any = super().load_decoder(bundle, device, options)
        make = decoder.streams
        decoder.streams = lambda seed: Watched(make(seed), self)
        return decoder


class Gathering(WatchedFamily):
    """Its first push waits until so many files were heard, so that they are there together."""

    def __init__(self, num_files: int) -> None:
        self.num_files = num_files
        self.heard = threading.Semaphore(0)
        self.sizes: list[int] = []

    def load_encoder(self, bundle: Bundle, device: str) -> Any:
        encoder: Any = super().load_encoder(bundle, device)
        make = encoder.streams

        def streams() -> Any:
            made = make()
            push = made.push

            def noted(blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
                latents: dict[int, Tensor] = push(blocks)
                made.push = push  # the first block is enough
                self.heard.release()
                return latents

            made.push = noted
            return made

        encoder.streams = streams
        return encoder

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        if not self.sizes:
            for _ in range(self.num_files):
                assert self.heard.acquire(timeout=PATIENCE_S)
        self.sizes.append(len(blocks))
