"""What a training run is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from umtcli.errors import UsageError

Schedule = Literal["cosine", "decay"]


@dataclass(frozen=True)
class RunConfig:
    """The loop's own settings; the family's are in its network configs."""

    steps: int
    """Optimizer steps of the whole run."""
    batch_size: int = 8
    """Examples in a step."""
    crop_s: float = 4.0
    """Length of an example (s)."""
    learning_rate: float = 2e-3
    """At its peak."""
    schedule: Schedule = "cosine"
    """How it falls: along half a cosine to zero, or by `decay` every `decay_examples`."""
    decay: float = 0.98
    """The paper's."""
    decay_examples: int = 10_000
    """Examples after which the learning rate is multiplied by `decay`."""
    weight_decay: float = 0.01
    """Of AdamW; 0 is the paper's Adam."""
    warmup_steps: int = 50
    """Steps over which the learning rate rises."""
    clip_norm: float = 3.0
    """Largest gradient norm of a step."""
    average_decay: float = 0.998
    """Of the moving average of the weights, which is what is kept in the end."""
    shards: int = 4
    """Parts of a batch computed each by itself: small ones stay in a CPU's cache."""
    workers: int = 2
    """Threads that compute shards; any number gives the same result."""
    seed: int = 1
    """Of everything that is drawn at random."""
    checkpoint_every_s: float = 120.0
    """Seconds between checkpoints."""

    def __post_init__(self) -> None:
        _require(self, "from 1", lambda v: v >= 1, "steps", "batch_size", "shards", "workers")
        _require(self, "from 1", lambda v: v >= 1, "warmup_steps", "decay_examples")
        _require(self, "above 0 and at most 1", lambda v: 0 < v <= 1, "decay")
        _require(self, "above 0 and finite", lambda v: 0 < v < math.inf, "crop_s", "learning_rate")
        _require(self, "above 0", lambda v: v > 0, "clip_norm")
        _require(self, "from 0", lambda v: v >= 0, "seed", "checkpoint_every_s", "weight_decay")
        _require(self, "from 0 to below 1", lambda v: 0 <= v < 1, "average_decay")
        if self.schedule not in get_args(Schedule):
            schedules = " or ".join(get_args(Schedule))
            raise UsageError(f"schedule is {self.schedule!r}; it must be {schedules}.")
        if self.batch_size % self.shards:
            raise UsageError(
                f"batch_size is {self.batch_size}; it must be a multiple of shards, "
                f"which is {self.shards}."
            )

    def identity(self) -> dict[str, Any]:
        """What a checkpoint remembers of its run: all that bears on the result."""
        fields = asdict(self)
        del fields["workers"], fields["checkpoint_every_s"]
        return fields


def _require(config: RunConfig, span: str, holds: Callable[[float], bool], *fields: str) -> None:
    """Refuse a field that is out of its range; NaN is out of every range."""
    for name in fields:
        value = getattr(config, name)
        if not holds(value):
            raise UsageError(f"{name} is {value}; it must be {span}.")
