"""The one training loop: it serves every family and everything they learn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

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
            run goes on from there with the same result as if it had not stopped. If more
            steps are asked for than before, it goes on to those.
        report: called after each step.

    Raises:
        TrainingError: a loss or gradient is not finite, or the checkpoint belongs to
            another run.
    """
    run = _Run.begin(task, config)
    run.restore(checkpoint_path)
    saved_s = time.monotonic()
    parameters = [p for p in run.network.parameters() if p.requires_grad]
    with ThreadPoolExecutor(config.workers) as pool:
        for step in range(run.step, config.steps):
            for group in run.optimizer.param_groups:
                group["lr"] = learning_rate(config, step)
            shards = list(pool.map(partial(_shard, task, config, step), range(config.shards)))
            losses = _means([losses for losses, _ in shards])
            _refuse_nonsense(losses, step, checkpoint_path)
            for parameter, *gradients in zip(parameters, *(g for _, g in shards), strict=True):
                parameter.grad = sum(gradients[1:], gradients[0]) / config.shards
            _clip(parameters, config.clip_norm, step, checkpoint_path)
            run.advance(losses)
            report(step, run.smooth)
            late = time.monotonic() - saved_s > config.checkpoint_every_s
            if late or run.step == config.steps:
                checkpoint.save(checkpoint_path, run.state())
                saved_s = time.monotonic()
    averaged: nn.Module = run.average.module
    return averaged


@dataclass
class _Run:
    """All that changes in a run, and so all that its checkpoint holds."""

    network: nn.Module
    average: torch.optim.swa_utils.AveragedModel
    optimizer: torch.optim.Optimizer
    identity: Mapping[str, Any]
    smooth: dict[str, float] = field(default_factory=dict)
    step: int = 0

    @classmethod
    def begin(cls, task: Task, config: RunConfig) -> _Run:
        """A run before its first step."""
        decay = torch.optim.swa_utils.get_ema_multi_avg_fn(config.average_decay)
        return cls(
            network=task.network,
            average=torch.optim.swa_utils.AveragedModel(task.network, multi_avg_fn=decay),
            optimizer=torch.optim.AdamW(
                task.network.parameters(), config.learning_rate, betas=(0.9, 0.99)
            ),
            identity={**task.identity(), **config.identity()},
        )

    def advance(self, losses: Mapping[str, float]) -> None:
        """Step along the gradients that the network holds."""
        self.optimizer.step()
        self.average.update_parameters(self.network)
        for name, value in losses.items():
            if math.isfinite(value):
                before = self.smooth.get(name, value)
                self.smooth[name] = SMOOTHING * before + (1 - SMOOTHING) * value
        self.step += 1

    def state(self) -> checkpoint.State:
        """What a checkpoint holds."""
        return {
            "identity": dict(self.identity),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "smooth": dict(self.smooth),
        }

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one.

        Raises:
            TrainingError: it is damaged, or belongs to another run.
        """
        state = checkpoint.load(path)
        if state is None:
            return
        try:
            checkpoint.refuse_another_run(path, state["identity"], self.identity)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.smooth = dict(state["smooth"])
            self.step = int(state["step"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as e:
            raise TrainingError(
                f"{path} belongs to another run or an older umt: it lacks or garbles {e}; "
                "remove it to start again."
            ) from e


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


def _refuse_nonsense(losses: Mapping[str, float], step: int, path: Path) -> None:
    for name, value in losses.items():
        if not name.startswith("_") and not math.isfinite(value):
            raise _broken(f"The {name} loss is {value}", step, path)


def _clip(parameters: Sequence[nn.Parameter], norm: float, step: int, path: Path) -> None:
    """Limit the gradient; a gradient that is not finite must not reach the weights."""
    try:
        nn.utils.clip_grad_norm_(parameters, norm, error_if_nonfinite=True)
    except RuntimeError as e:
        raise _broken("The gradient is not finite", step, path) from e


def _broken(what: str, step: int, path: Path) -> TrainingError:
    kept = f"{path} holds the last good state" if path.exists() else "no checkpoint was written yet"
    return TrainingError(f"{what} at step {step}; {kept}. Try a lower learning rate.")


def learning_rate(config: RunConfig, step: int) -> float:
    """Warm-up, then half a cosine down to zero.

    >>> config = RunConfig(steps=100, learning_rate=1.0, warmup_steps=10)
    >>> [round(learning_rate(config, step), 2) for step in (0, 9, 55, 99)]
    [0.1, 0.98, 0.42, 0.0]
    """
    warmup = min(1.0, (step + 1) / config.warmup_steps)
    return config.learning_rate * warmup * 0.5 * (1 + math.cos(math.pi * step / config.steps))
