"""A toy whose decoder gets stuck, or takes its process with it. A worker can import this."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from toy import ToyDecoder, ToyFamily, ToyStreams
from umtcli.bundle import Bundle
from umtcli.domain import Value


class StuckStreams(ToyStreams):
    """Never gives what it was asked for."""

    empty = torch.zeros(2, 0)

    def __init__(self, killed: bool) -> None:
        super().__init__()
        self.killed = killed

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        if self.killed:
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()
        return {}


@dataclass
class StuckDecoder(ToyDecoder):
    killed: bool = False

    def streams(self, seed: int = 0) -> ToyStreams:
        return StuckStreams(self.killed)


@dataclass
class StuckFamily(ToyFamily):
    """Its domain `high` gets stuck, or kills its process as the system does when out of
    memory; `low` is well."""

    killed: bool = False

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        if bundle.info.name != "high":
            return super().load_decoder(bundle, device, options)
        return StuckDecoder(880.0, killed=self.killed)
