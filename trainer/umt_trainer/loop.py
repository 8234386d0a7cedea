"""The one training loop: it serves every family and everything they learn."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from torch import nn

from umt_trainer import checkpoint
from umt_trainer.config import RunConfig
from umt_trainer.distributed import ALONE, World
from umt_trainer.gradients import batch_gradients
from umt_trainer.run_state import RunState
from umt_trainer.stopping import stop_requests
from umt_trainer.tasks import Task
from umtcli.console import say
from umtcli.errors import TrainingError

Report = Callable[[int, dict[str, float]], None]
"""Called after each step with its number and smoothed losses."""


class Judge(Protocol):
    """Looks at the averaged network now and then, in every process alike."""

    def due(self, num_steps: int) -> bool:
        """Whether to look after so many steps."""

    def loss(self, network: nn.Module, num_steps: int) -> float:
        """How badly it does on music that it does not learn from."""


def train(
    task: Task,
    config: RunConfig,
    checkpoint_path: Path,
    report: Report,
    *,
    world: World = ALONE,
    judge: Judge | None = None,
    tell: Callable[[str], None] = say,
) -> nn.Module:
    """Run, or go on with, a training run; return the averaged network.

    After Ctrl-C or SIGTERM the step in hand is finished and saved first.

    Args:
        task: what is learned; its network is trained in place.
        config: of the run.
        checkpoint_path: where the run is kept. If it holds a checkpoint of this run, the
            run goes on from there with the same result as if it had not stopped. If more
            steps are asked for than before, it goes on to those.
        report: called after each step.
        world: who shares the run; each must be given the same task.
        judge: chooses the best network, which is kept beside the checkpoint; see `best_path`.
        tell: is told, in one line, of what a user should know.

    Raises:
        TrainingError: a loss or gradient is not finite, the checkpoint belongs to another
            run or cannot be written, or another process is lost.
        KeyboardInterrupt: after Ctrl-C.
        SystemExit: after SIGTERM.
    """
    run = RunState.begin(task, config, world)
    run.restore(checkpoint_path, tell)
    saved_s = time.monotonic()
    with (
        ThreadPoolExecutor(config.workers) as pool,
        stop_requests(patient=world.size > 1) as asked,
    ):
        while run.step < config.steps:
            step = run.step
            losses: dict[str, float] = {}
            for phase in run.phases:
                means, gradients = batch_gradients(phase, config, step, world, pool)
                _refuse_nonsense(means, config, step, checkpoint_path)
                for parameter, gradient in zip(phase.learned, gradients, strict=True):
                    parameter.grad = gradient
                _clip(phase.learned, config, step, checkpoint_path)
                run.update(phase, phase.rate * learning_rate(config, step))
                losses |= means
            run.advance(losses)
            report(step, run.smooth)
            if judge is not None and judge.due(run.step):
                _keep_best(run, judge, best_path(checkpoint_path))
            # a signal may have reached one process before another: all stop after one step
            asked.signal = int(world.largest(asked.signal))
            late = time.monotonic() - saved_s > config.checkpoint_every_s
            if late or asked.signal or run.step == config.steps:
                run.save(checkpoint_path, config.checkpoints)
                saved_s = time.monotonic()
            if asked.signal and run.step < config.steps:
                if world.is_first:
                    tell(f"Stopped after {run.step} steps; {checkpoint_path} holds them.")
                asked.raise_as_asked()
    averaged: nn.Module = run.average.module
    return averaged


def best_path(checkpoint_path: Path) -> Path:
    """Where the best network of a run is kept."""
    return checkpoint_path.with_name(f"{checkpoint_path.stem}-best{checkpoint_path.suffix}")


def _keep_best(run: RunState, judge: Judge, path: Path) -> None:
    loss = judge.loss(run.average.module, run.step)
    if math.isfinite(loss) and (run.best is None or loss < run.best[0]):
        run.best = loss, run.step
        if run.world.is_first:
            network = run.average.module.state_dict()
            checkpoint.save(path, {"step": run.step, "loss": loss, "network": network})


def _refuse_nonsense(losses: Mapping[str, float], config: RunConfig, step: int, path: Path) -> None:
    for name, value in losses.items():
        if not name.startswith("_") and not math.isfinite(value):
            raise _broken(f"The {name} loss is {value}", config, step, path)


def _clip(parameters: Sequence[nn.Parameter], config: RunConfig, step: int, path: Path) -> None:
    """Limit the gradient; a gradient that is not finite must not reach the weights."""
    try:
        nn.utils.clip_grad_norm_(parameters, config.clip_norm, error_if_nonfinite=True)
    except RuntimeError as e:
        raise _broken("The gradient is not finite", config, step, path) from e
    if config.clip_value < math.inf:
        nn.utils.clip_grad_value_(parameters, config.clip_value)


def _broken(what: str, config: RunConfig, step: int, path: Path) -> TrainingError:
    first = step * config.batch_size
    kept = f"{path} holds the last good state" if path.exists() else "no checkpoint was written yet"
    return TrainingError(
        f"{what} at step {step} (examples {first} … {first + config.batch_size - 1}); {kept}. "
        "Try a lower learning rate."
    )


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
