"""The one training loop: it serves every family and everything they learn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

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
    for step in range(first, config.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step)
        losses = task.losses(step)
        loss = sum((v for k, v in losses.items() if not k.startswith("_")), torch.zeros(()))
        if not torch.isfinite(loss):
            raise TrainingError(
                f"The loss is {loss.item()} at step {step}; {checkpoint_path} holds the last good "
                "state. Try a lower learning rate."
            )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm)
        optimizer.step()
        average.update_parameters(network)
        for name, value in losses.items():
            smooth[name] = SMOOTHING * smooth.get(name, value.item()) + (1 - SMOOTHING) * value.item()
        report(step, smooth)
        if time.monotonic() - saved_s > config.checkpoint_every_s or step + 1 == config.steps:
            _save(checkpoint_path, step + 1, network, average, optimizer, smooth)
            saved_s = time.monotonic()
    averaged: nn.Module = average.module
    return averaged


def learning_rate(config: RunConfig, step: int) -> float:
    """Warm-up, then half a cosine down to zero.

    >>> config = RunConfig(steps=100, learning_rate=1.0, warmup_steps=10)
    >>> [round(learning_rate(config, step), 2) for step in (0, 9, 55, 99)]
    [0.1, 0.93, 0.42, 0.0]
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
        raise TrainingError(f"{path} is at step {state['step']}, past the {config.steps} asked for.")
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
