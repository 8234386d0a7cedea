"""The processes that share a run: who they are, and what they add up.

Every process has every domain and every weight. Each computes its parts of a batch, and the
gradients are added up before an update, so that all make the same one. torch's
DistributedDataParallel is not used: a step has several updates of other parameters each,
parts are differentiated in threads, and a decoder without examples must stay as it is. What
it adds, sending while there is still something to compute, is worth little here: gradients
are a few MB a decoder, and a step of a WaveNet takes seconds.

Alone, everything here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, nn
from torch import distributed as dist

from umtcli.errors import TrainingError

TIMEOUT_S = 600.0
"""How long a process waits for the others before it gives the run up."""


@dataclass(frozen=True)
class World:
    """The processes of a run, seen from one of them.

    Attributes:
        rank: of this process, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process speaks for all: it writes files and tells how it goes."""
        return self.rank == 0

    def share(self, num_parts: int) -> range:
        """The parts of a batch that are this process's; a multiple of `size` is shared evenly."""
        own = num_parts // self.size
        return range(self.rank * own, (self.rank + 1) * own)

    def total(self, values: Tensor) -> Tensor:
        """The sum of all processes' values, the same in each."""
        if self.size > 1:
            with _lost_neighbours():
                dist.all_reduce(values)
        return values

    def largest(self, value: float) -> float:
        """The largest of all processes' values."""
        if self.size > 1:
            tensor = torch.tensor([value], dtype=torch.float64)
            with _lost_neighbours():
                dist.all_reduce(tensor, dist.ReduceOp.MAX)
            value = tensor.item()
        return value

    def total_gradients(
        self, learned: Sequence[nn.Parameter], gradients: Sequence[Tensor | None]
    ) -> list[Tensor | None]:
        """The sums of all processes' gradients; None where no process has one."""
        if self.size == 1:
            return list(gradients)
        num_with = learned[0].new_tensor([gradient is not None for gradient in gradients])
        flat = [
            (torch.zeros_like(parameter) if gradient is None else gradient).detach().flatten()
            for parameter, gradient in zip(learned, gradients, strict=True)
        ]
        # all in one message: many small ones cost more than their bytes
        message = self.total(torch.cat([num_with, *flat]))
        num_with, *sums = message.split([len(flat), *map(len, flat)])
        return [
            total.view_as(parameter) if num else None
            for num, total, parameter in zip(num_with.tolist(), sums, learned, strict=True)
        ]

    def agree_on(self, network: nn.Module) -> None:
        """Take the first process's weights."""
        if self.size > 1:
            for tensor in network.state_dict().values():
                with _lost_neighbours():
                    dist.broadcast(tensor, 0)


ALONE = World()


@contextmanager
def joined(timeout_s: float = TIMEOUT_S) -> Iterator[World]:
    """Join the processes that torchrun started with this one; alone, where it started none.

    Args:
        timeout_s: how long one waits for the others at most.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with _lost_neighbours():
        dist.init_process_group(backend, timeout=timedelta(seconds=timeout_s))
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


def local_rank() -> int:
    """The number of this process among those of its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


@contextmanager
def _lost_neighbours() -> Iterator[None]:
    """Tell in one line that another process is gone or hangs."""
    try:
        yield
    except RuntimeError as e:
        lines = str(e).splitlines() or [type(e).__name__]
        raise TrainingError(
            f"Another process of this run does not answer ({lines[0]}). Its own message, or its "
            "log, says why; the last checkpoint is intact."
        ) from e
