"""A toy of which one process plays slower than the others. A worker can import this."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from toy import ToyDecoder, ToyDecoderStreams, ToyFamily
from umtcli.bundle import Bundle
from umtcli.domain import Value

STEP_S = 0.4
"""What each push takes, far more than anything else in it."""


class SlowStreams(ToyDecoderStreams):
    """Waits in each push, and notes who pushed."""

    def __init__(self, frequency_hz: float, seed: int, folder: Path, factor: int) -> None:
        super().__init__(frequency_hz, 0.0, seed)
        self.folder, self.factor = folder, factor

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        time.sleep(self.factor * STEP_S)
        with (self.folder / "log").open("a") as log:
            log.write(f"{os.getpid()} {self.factor}\n")
        return super().push(blocks)


@dataclass
class SlowDecoder(ToyDecoder):
    """Of a process."""

    folder: Path = Path()
    factor: int = 1

    def streams(self, seed: int = 0) -> ToyDecoderStreams:
        return SlowStreams(self.frequency_hz, seed, self.folder, self.factor)


@dataclass
class SlowFamily(ToyFamily):
    """The first process that loads a decoder is slow by a factor; or it dies, once, at work."""

    folder: Path
    factor: int = 4
    dies: bool = False

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        try:
            (self.folder / "first").touch(exist_ok=False)
        except FileExistsError:
            (self.folder / "second").touch()
            return SlowDecoder(880.0, folder=self.folder)
        if self.dies:
            return DyingDecoder(880.0, folder=self.folder)
        while not (self.folder / "second").exists():  # both begin together
            time.sleep(0.01)
        return SlowDecoder(880.0, folder=self.folder, factor=self.factor)


class DyingStreams(SlowStreams):
    """Takes its process along as `kill -9` does, in the middle of its work."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


@dataclass
class DyingDecoder(SlowDecoder):
    """Of the process that dies."""

    def streams(self, seed: int = 0) -> ToyDecoderStreams:
        return DyingStreams(self.frequency_hz, seed, self.folder, self.factor)
