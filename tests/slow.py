"""A toy of which one process plays slower than the others. A worker can import this."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from toy import ToyDecoder, ToyDecoderStreams, ToyFamily
from umtcli.bundle import Bundle
from umtcli.domain import Value

PUSHES_A_SONG = 2
"""Its only block, and what the encoder kept back."""


def num_pushes(folder: Path, factor: int) -> int:
    """Pushes that were made by the process that is slower by a factor; 1 is the other."""
    path = _log(folder, factor)
    return path.stat().st_size if path.exists() else 0


def _log(folder: Path, factor: int) -> Path:
    return folder / f"pushes-{factor}"


@dataclass
class SlowDecoder(ToyDecoder):
    """Of a process. Slow is one in which a push ends when the other made so many more.

    No clock decides, so that a busy machine changes nothing: the slow process waits for the
    pushes of the other as long as the other has any to make.
    """

    folder: Path = Path()
    factor: int = 1
    num_songs: int = 0
    """Of the run."""
    num_opened: int = 0
    """Songs that this process has begun."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def streams(self, seed: int = 0) -> ToyDecoderStreams:
        self.num_opened += 1  # streams that gain nothing together are made for each song
        return SlowStreams(self, seed)

    def note_push(self) -> None:
        with self.lock:
            while self.factor > 1 and self._is_early():
                time.sleep(0.01)
            with _log(self.folder, self.factor).open("ab") as log:
                log.write(b".")

    def _is_early(self) -> bool:
        others = num_pushes(self.folder, 1)
        others_in_all = PUSHES_A_SONG * (self.num_songs - self.num_opened)
        mine = num_pushes(self.folder, self.factor)
        return others < min(self.factor * (mine + 1), others_in_all)


class SlowStreams(ToyDecoderStreams):
    """Notes who pushed."""

    def __init__(self, decoder: SlowDecoder, seed: int) -> None:
        super().__init__(decoder.frequency_hz, 0.0, seed)
        self.decoder = decoder

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.decoder.note_push()
        return super().push(blocks)


@dataclass
class SlowFamily(ToyFamily):
    """The first process that loads a decoder is slow by a factor, the second is not."""

    folder: Path
    factor: int
    num_songs: int

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        if not is_first(self.folder):
            (self.folder / "second").touch()
            return SlowDecoder(880.0, folder=self.folder)
        while not (self.folder / "second").exists():  # both begin together
            time.sleep(0.01)
        return SlowDecoder(880.0, folder=self.folder, factor=self.factor, num_songs=self.num_songs)


def is_first(folder: Path) -> bool:
    """Whether nobody has asked before, in any process."""
    try:
        (folder / "first").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class DyingStreams(ToyDecoderStreams):
    """Takes its process along as `kill -9` does, in the middle of its work."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


class DyingDecoder(ToyDecoder):
    """Of the process that dies."""

    def streams(self, seed: int = 0) -> ToyDecoderStreams:
        return DyingStreams(self.frequency_hz, 0.0, seed)


@dataclass
class DyingFamily(ToyFamily):
    """The first process that loads a decoder dies at work; those that come later are well."""

    folder: Path

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        return DyingDecoder(880.0) if is_first(self.folder) else ToyDecoder(880.0)
