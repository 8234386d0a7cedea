"""The losses and gradients of one update, part by part and process by process.

The mean over a batch is the mean over its parts, which are as large as each other, whoever
computes them: one process with four parts and two with two get the same, but for the order
in which numbers are rounded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import partial

import torch
from torch import Tensor

from umt_trainer.config import RunConfig
from umt_trainer.distributed import World
from umt_trainer.tasks import Phase, total


def batch_gradients(
    phase: Phase, config: RunConfig, step: int, world: World, pool: Executor
) -> tuple[dict[str, float], list[Tensor | None]]:
    """Mean losses and gradients of a phase over a step's batch, the same in every process.

    Returns:
        The losses by name; measures that no example has are NaN. And for each learned
        parameter its gradient, None for one that had no part in it.
    """
    num_parts = config.parts(world.size)
    parts = list(pool.map(partial(_part, phase, config, step, num_parts), world.share(num_parts)))
    means = _means([losses for losses, _ in parts], world)
    # summed in order, not as they come: the sum does not depend on which thread was first
    sums = [_sum(of_one) for of_one in zip(*(gradients for _, gradients in parts), strict=True)]
    gradients = world.total_gradients(phase.learned, sums)
    return means, [None if added is None else added / num_parts for added in gradients]


def _part(
    phase: Phase, config: RunConfig, step: int, num_parts: int, part: int
) -> tuple[dict[str, float], tuple[Tensor | None, ...]]:
    """Losses and gradients of one part of a step's batch; None for what had no part in it.

    Gradients are returned, not accumulated: nothing but the phase's own parameters has any.
    """
    size = config.batch_size // num_parts
    device = phase.learned[0].device.type
    # autocast is a thread's own affair, so each part enters it
    with torch.autocast(device, torch.bfloat16, enabled=config.precision == "bfloat16"):
        losses = phase.losses(step * config.batch_size + part * size, size)
    gradients = torch.autograd.grad(total(losses), phase.learned, allow_unused=True)
    # one message from the device, not one a loss
    values = torch.stack([value.detach().double() for value in losses.values()]).tolist()
    return dict(zip(losses, values, strict=True)), gradients


def _sum(parts: Sequence[Tensor | None]) -> Tensor | None:
    used = [part for part in parts if part is not None]
    return sum(used[1:], used[0]) if used else None


def _means(parts: Sequence[Mapping[str, float]], world: World) -> dict[str, float]:
    """Means over all parts; a measure's, over those that have it."""
    names = list(parts[0])
    sums = [sum(part[name] for part in parts if _counts(name, part[name])) for name in names]
    counts = [sum(_counts(name, part[name]) for part in parts) for name in names]
    totals, nums = world.total(torch.tensor([sums, counts], dtype=torch.float64)).tolist()
    pairs = zip(names, totals, nums, strict=True)
    return {name: added / num if num else math.nan for name, added, num in pairs}


def _counts(name: str, value: float) -> bool:
    """A loss always counts; a measure, where there is something to measure."""
    return not name.startswith("_") or math.isfinite(value)
