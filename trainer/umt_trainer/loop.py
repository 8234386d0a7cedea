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
from umt_trainer.tasks import Phase, Task
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
    with ThreadPoolExecutor(config.workers) as pool:
        for step in range(run.step, config.steps):
            losses: dict[str, float] = {}
            for phase in run.phases:
                shards = list(pool.map(partial(_shard, phase, config, step), range(config.shards)))
                means = _means([named for named, _ in shards])
                _refuse_nonsense(means, step, checkpoint_path)
                for parameter, *parts in zip(phase.learned, *(g for _, g in shards), strict=True):
                    parameter.grad = _total(parts, config.shards)
                _clip(phase.learned, config.clip_norm, step, checkpoint_path)
                run.update(phase, phase.rate * learning_rate(config, step))
                losses |= means
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
    phases: Sequence[Phase]
    optimizers: Mapping[str, torch.optim.Optimizer]
    identity: Mapping[str, Any]
    smooth: dict[str, float] = field(default_factory=dict)
    step: int = 0

    @classmethod
    def begin(cls, task: Task, config: RunConfig) -> _Run:
        """A run before its first step."""
        decay = torch.optim.swa_utils.get_ema_multi_avg_fn(config.average_decay)
        phases = task.phases()
        return cls(
            network=task.network,
            average=torch.optim.swa_utils.AveragedModel(task.network, multi_avg_fn=decay),
            phases=phases,
            optimizers={phase.name: _optimizer(phase, config) for phase in phases},
            identity={**task.identity(), **config.identity()},
        )

    def update(self, phase: Phase, rate: float) -> None:
        """Step along the gradients that a phase's parameters hold."""
        optimizer = self.optimizers[phase.name]
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()

    def advance(self, losses: Mapping[str, float]) -> None:
        """Go on to the next step."""
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
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
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
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            self.smooth = dict(state["smooth"])
            self.step = int(state["step"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as e:
            raise TrainingError(
                f"{path} belongs to another run or an older umt: it lacks or garbles {e}; "
                "remove it to start again."
            ) from e


def _optimizer(phase: Phase, config: RunConfig) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        phase.learned, config.learning_rate, betas=(0.9, 0.99), weight_decay=config.weight_decay
    )


def _shard(
    phase: Phase, config: RunConfig, step: int, shard: int
) -> tuple[dict[str, float], tuple[Tensor | None, ...]]:
    """Losses and gradients of one part of a step's batch; None for what had no part in it.

    Gradients are returned and summed in order, not accumulated: the sum does not depend
    on which thread was first, and nothing but the phase's own parameters has any.
    """
    size = config.batch_size // config.shards
    losses = phase.losses(step * config.batch_size + shard * size, size)
    total = sum((v for k, v in losses.items() if not k.startswith("_")), torch.zeros(()))
    gradients = torch.autograd.grad(total, phase.learned, allow_unused=True)
    return {name: value.item() for name, value in losses.items()}, gradients


def _total(parts: Sequence[Tensor | None], num_shards: int) -> Tensor | None:
    """The mean gradient over shards; None leaves a parameter as it is."""
    used = [part for part in parts if part is not None]
    return sum(used[1:], used[0]) / num_shards if used else None


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
    """Warm-up, then half a cosine down to zero, or a decay by the number of examples.

    >>> config = RunConfig(steps=100, learning_rate=1.0, warmup_steps=10)
    >>> [round(learning_rate(config, step), 2) for step in (0, 9, 55, 99)]
    [0.1, 0.98, 0.42, 0.0]
    >>> config = RunConfig(steps=9999, learning_rate=1.0, schedule="decay", batch_size=32)
    >>> [round(learning_rate(config, step), 4) for step in (0, 312, 313, 625)]
    [0.02, 1.0, 0.98, 0.9604]
    """
    warmup = min(1.0, (step + 1) / config.warmup_steps)
    peak = config.learning_rate * warmup
    if config.schedule == "decay":
        return peak * config.decay ** (step * config.batch_size // config.decay_examples)
    return peak * 0.5 * (1 + math.cos(math.pi * step / config.steps))
