"""All that changes in a run, and so all that its checkpoint holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from umt_trainer import checkpoint
from umt_trainer.config import RunConfig
from umt_trainer.distributed import World
from umt_trainer.tasks import Phase, Task
from umtcli.errors import TrainingError

SMOOTHING = 0.98


@dataclass
class RunState:
    """A run between two steps.

    Attributes:
        network: what is trained.
        average: its moving average, which is what is kept in the end.
        phases: the updates of a step.
        optimizers: by the names of phases.
        identity: what is learned from what, and how.
        world: who shares the run.
        smooth: losses, smoothed for the eye.
        step: how many were done. Every draw is keyed by the numbers of examples, which follow
            from it: no generator has a state of its own.
        best: the lowest validation loss so far, and after how many steps.
    """

    network: nn.Module
    average: torch.optim.swa_utils.AveragedModel
    phases: Sequence[Phase]
    optimizers: Mapping[str, torch.optim.Optimizer]
    identity: Mapping[str, Any]
    world: World
    smooth: dict[str, float] = field(default_factory=dict)
    step: int = 0
    best: tuple[float, int] | None = None

    @classmethod
    def begin(cls, task: Task, config: RunConfig, world: World) -> RunState:
        """A run before its first step."""
        world.agree_on(task.network)
        decay = torch.optim.swa_utils.get_ema_multi_avg_fn(config.average_decay)
        phases = task.phases()
        return cls(
            network=task.network,
            average=torch.optim.swa_utils.AveragedModel(task.network, multi_avg_fn=decay),
            phases=phases,
            optimizers={phase.name: _optimizer(phase, config) for phase in phases},
            identity={**task.identity(), **config.identity()},
            world=world,
        )

    def update(self, phase: Phase, rate: float) -> None:
        """Step along the gradients that a phase's parameters hold."""
        optimizer = self.optimizers[phase.name]
        usual, *slower = optimizer.param_groups
        usual["lr"] = rate
        for group in slower:
            group["lr"] = rate * phase.pace(self.step)
        optimizer.step()

    def advance(self, losses: Mapping[str, float]) -> None:
        """Go on to the next step."""
        self.average.update_parameters(self.network)
        for name, value in losses.items():
            if math.isfinite(value):
                before = self.smooth.get(name, value)
                self.smooth[name] = SMOOTHING * before + (1 - SMOOTHING) * value
        self.step += 1

    def save(self, path: Path, keep: int) -> None:
        """Write a checkpoint; the first process does it for all.

        Raises:
            TrainingError: it cannot be written.
        """
        if self.world.is_first:
            checkpoint.save(path, self._state(), keep)

    def restore(self, path: Path, tell: Callable[[str], None]) -> None:
        """Go on from the newest checkpoint that is whole, if there is one.

        Raises:
            TrainingError: it is damaged, or belongs to another run.
        """
        state = checkpoint.load(path, tell)
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
            self.best = state.get("best")
            num_before = int(state.get("processes", 1))
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as e:
            raise TrainingError(
                f"{path} belongs to another run or an older umt: it lacks or garbles {e}; "
                f"remove {path}* to start again."
            ) from e
        if num_before != self.world.size:
            tell(
                f"The run had {num_before} processes and has {self.world.size} now: the examples "
                "and their order stay, sums are rounded in another order."
            )

    def _state(self) -> checkpoint.State:
        return {
            "identity": dict(self.identity),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "smooth": dict(self.smooth),
            "best": self.best,
            "processes": self.world.size,
        }


def _optimizer(phase: Phase, config: RunConfig) -> torch.optim.Optimizer:
    slower = {id(parameter) for parameter in phase.slower}
    groups = [[p for p in phase.learned if id(p) not in slower]]
    if slower:
        groups.append([p for p in phase.learned if id(p) in slower])
    return torch.optim.AdamW(
        [{"params": parameters} for parameters in groups],
        config.learning_rate,
        betas=(0.9, config.beta2),
        weight_decay=config.weight_decay,
    )
