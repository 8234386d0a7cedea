"""The one training loop: it serves every family and everything they learn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from umt_trainer import checkpoint
from umt_trainer.config import RunConfig
from umt_trainer.tasks import Task
from umtcli.errors import TrainingError

Report = Callable[[int, dict[str, float]], None]
"""Called after each step with its number and smoothed losses."""

SMOOTHING = 0.98


def train(task: Task, config: RunConfig, checkpoint_path: Path, report: Report) -> nn.Module:
    """Run, or go on with, a training run; return the averaged network.

    Args:
        task: what is learned; its network is trained in place.
        config: of the run.
        checkpoint_path: where the run is kept. If it holds a checkpoint of this run, the
            run goes on from there with the same result as if it had not stopped.
        report: called after each step.

    Raises:
        TrainingError: a loss is not finite, or the checkpoint belongs to another run.
    """
    network = task.network
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(config.average_decay)
    )
    optimizer = torch.optim.AdamW(network.parameters(), config.learning_rate, betas=(0.9, 0.99))
    smooth: dict[str, float] = {}
    first = _restore(checkpoint_path, network, average, optimizer, smooth, config)
    saved_s = time.monotonic()
    parameters = [p for p in network.parameters() if p.requires_grad]
    with ThreadPoolExecutor(config.workers) as pool:
        for step in range(first, config.steps):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config, step)
            shards = list(pool.map(partial(_shard, task, config, step), range(config.shards)))
            losses = _means([losses for losses, _ in shards])
            _refuse_nonsense(losses, step, checkpoint_path)
            for parameter, *gradients in zip(parameters, *(g for _, g in shards), strict=True):
                parameter.grad = sum(gradients[1:], gradients[0]) / config.shards
            nn.utils.clip_grad_norm_(parameters, config.clip_norm)
            optimizer.step()
            average.update_parameters(network)
            for name, value in losses.items():
                smooth[name] = SMOOTHING * smooth.get(name, value) + (1 - SMOOTHING) * value
            report(step, smooth)
            late = time.monotonic() - saved_s > config.checkpoint_every_s
            if late or step + 1 == config.steps:
                _save(checkpoint_path, step + 1, network, average, optimizer, smooth)
                saved_s = time.monotonic()
    averaged: nn.Module = average.module
    return averaged


def _shard(
    task: Task, config: RunConfig, step: int, shard: int
) -> tuple[dict[str, float], tuple[Tensor, ...]]:
    """Losses and gradients of one part of a step's batch.

    Gradients are returned and summed in order, not accumulated: the sum does not depend
    on which thread was first.
    """
    size = config.batch_size // config.shards
    losses = task.losses(step * config.batch_size + shard * size, size)
    total = sum((v for k, v in losses.items() if not k.startswith("_")), torch.zeros(()))
    parameters = [p for p in task.network.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(total, parameters)
    return {name: value.item() for name, value in losses.items()}, gradients


def _means(shards: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(losses[name] for losses in shards) / len(shards) for name in shards[0]}


def _refuse_nonsense(losses: dict[str, float], step: int, path: Path) -> None:
    for name, value in losses.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"The {name} loss is {value} at step {step}; {path} holds the last good state. "
                "Try a lower learning rate."
            )


def learning_rate(config: RunConfig, step: int) -> float:
    """Warm-up, then half a cosine down to zero.

    >>> config = RunConfig(steps=100, learning_rate=1.0, warmup_steps=10)
    >>> [round(learning_rate(config, step), 2) for step in (0, 9, 55, 99)]
    [0.1, 0.98, 0.42, 0.0]
    """
    warmup = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * warmup * 0.5 * (1 + math.cos(math.pi * step / config.steps))


def _restore(
    path: Path,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    smooth: dict[str, float],
    config: RunConfig,
) -> int:
    state = checkpoint.load(path)
    if state is None:
        return 0
    try:
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
    except (KeyError, RuntimeError, ValueError) as e:
        raise TrainingError(f"{path} belongs to another run; remove it to start again.") from e
    smooth.update(state["smooth"])
    if state["step"] > config.steps:
        raise TrainingError(
            f"{path} is at step {state['step']}, past the {config.steps} asked for."
        )
    return int(state["step"])


def _save(
    path: Path,
    step: int,
    network: nn.Module,
    average: nn.Module,
    optimizer: torch.optim.Optimizer,
    smooth: dict[str, float],
) -> None:
    checkpoint.save(
        path,
        {
            "step": step,
            "network": network.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "smooth": smooth,
        },
    )
