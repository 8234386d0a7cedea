"""The smallest thing to learn, and a program that learns it, for tests that kill it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.loop import train
from umt_trainer.tasks import Phase

CONFIG = RunConfig(
    steps=120, batch_size=4, shards=2, learning_rate=0.2, warmup_steps=5, average_decay=0.8
)


@dataclass(frozen=True)
class Line:
    """Find the slope 3 of a line from noisy points that depend on the example's number."""

    network: nn.Module
    broken_at: int = -1
    broken_measure: bool = False

    def identity(self) -> dict[str, Any]:
        return {"network": {"slopes": self.network.weight.numel()}}

    def phases(self) -> list[Phase]:
        return [Phase.of("line", self.network, self.losses)]

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        numbers = torch.arange(index, index + size)
        x = torch.sin(numbers * 12.9898)[:, None]
        loss = (self.network(x) - 3 * x).square().mean()
        if index <= self.broken_at < index + size:
            loss = loss * float("nan")
        largest = x.max() * float("nan") if self.broken_measure else x.max()
        return {"error": loss, "_largest": largest}


def line(broken_at: int = -1) -> Line:
    torch.manual_seed(0)
    return Line(nn.Linear(1, 1, bias=False), broken_at)


def slope(network: nn.Module) -> float:
    return next(iter(network.parameters())).item()


def main(checkpoint: str, steps: str, every_s: str) -> None:
    """Learn a line and print every step's losses to the last bit, then the slope."""
    torch.set_num_threads(1)
    config = RunConfig(steps=int(steps), batch_size=4, shards=2, checkpoint_every_s=float(every_s))

    def report(step: int, losses: Mapping[str, float]) -> None:
        tell(step, *(value.hex() for value in losses.values()))

    tell("slope", slope(train(line(), config, Path(checkpoint), report)).hex())


def tell(*words: object) -> None:
    """Tell the test that started this process."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
