"""What a training run is told."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Literal

from umt_trainer.spans import (
    FACTOR,
    FINITE_FROM_0,
    FROM_0,
    FROM_1,
    POSITIVE,
    POSITIVE_FINITE,
    SHARE,
    check,
)
from umtcli.errors import UsageError

Schedule = Literal["cosine", "decay"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class RunConfig:
    """The loop's own settings; the family's are in its network configs."""

    steps: Annotated[int, FROM_1]
    """Optimizer steps of the whole run."""
    batch_size: Annotated[int, FROM_1] = 8
    """Examples in a step, of all processes together."""
    crop_s: Annotated[float, POSITIVE_FINITE] = 4.0
    """Length of an example (s)."""
    learning_rate: Annotated[float, POSITIVE_FINITE] = 2e-3
    """At its peak."""
    schedule: Schedule = "cosine"
    """How it falls: along half a cosine to zero, or by `decay` every `decay_examples`."""
    decay: Annotated[float, FACTOR] = 0.98
    """The paper's."""
    decay_examples: Annotated[int, FROM_1] = 10_000
    """Examples after which the learning rate is multiplied by `decay`."""
    weight_decay: Annotated[float, FINITE_FROM_0] = 0.01
    """Of AdamW; 0 is the paper's Adam."""
    beta2: Annotated[float, SHARE] = 0.99
    """How slowly AdamW forgets the squares of gradients; 0.999 is Adam's own."""
    warmup_steps: Annotated[int, FROM_1] = 50
    """Steps over which the learning rate rises; 1 for none."""
    clip_norm: Annotated[float, POSITIVE] = 3.0
    """Largest gradient norm of an update; inf for any."""
    clip_value: Annotated[float, POSITIVE] = math.inf
    """Largest element of a gradient, cut off after the norm was limited; inf for any."""
    average_decay: Annotated[float, SHARE] = 0.998
    """Of the moving average of the weights, which is what is kept in the end; 0 for none."""
    shards: Annotated[int, FROM_1] = 4
    """Parts of a batch computed each by itself, and added up: small ones stay in a CPU's cache
    and need little of a GPU's memory."""
    workers: Annotated[int, FROM_1] = 2
    """Threads of a process that compute shards; any number gives the same result."""
    loaders: Annotated[int, FROM_1] = 2
    """Threads of a process that make examples ready ahead of the steps that use them."""
    precision: Precision = "float32"
    """Of the networks' arithmetic. bfloat16 is torch's autocast; the weights stay float32."""
    seed: Annotated[int, FROM_0] = 1
    """Of everything that is drawn at random."""
    checkpoint_every_s: Annotated[float, FROM_0] = 120.0
    """Seconds between checkpoints."""
    checkpoints: Annotated[int, FROM_1] = 3
    """How many of the last ones are kept."""

    def __post_init__(self) -> None:
        check(self)
        if self.batch_size % self.shards:
            raise UsageError(
                f"batch_size is {self.batch_size}; it must be a multiple of shards, "
                f"which is {self.shards}."
            )

    def parts(self, num_processes: int) -> int:
        """Into how many parts so many processes cut a batch: whole shards, as many for each.

        Raises:
            UsageError: the batch cannot be cut like that.

        >>> RunConfig(steps=1, batch_size=24, shards=4).parts(6)
        12
        """
        parts = math.lcm(self.shards, num_processes)
        if self.batch_size % parts:
            raise UsageError(
                f"batch_size is {self.batch_size}; {num_processes} processes with "
                f"{self.shards} shards need a multiple of {parts}."
            )
        return parts

    def identity(self) -> dict[str, Any]:
        """What a checkpoint remembers of its run: all that bears on the result.

        Settings that came later are left out at their defaults, so that a run that was begun
        before they were there goes on.
        """
        kept = asdict(self)
        for name in ("workers", "loaders", "checkpoint_every_s", "checkpoints"):
            del kept[name]
        defaults = {field.name: field.default for field in fields(self)}
        for name in ("beta2", "clip_value", "precision"):
            if kept[name] == defaults[name]:
                del kept[name]
        return kept


@dataclass(frozen=True)
class HearingConfig:
    """How the encoder begins, and how fast it learns beside its decoders."""

    settled: bool = False
    """Whether it begins as its family can settle it by the run's own music, and not as chance has
    it. An encoder that begins with an earlier run's weights stays as it is."""
    rate: Annotated[float, POSITIVE_FINITE] = 1.0
    """Its learning rate, as a share of the run's."""
    warmup_steps: Annotated[int, FROM_1] = 1
    """Steps over which that share rises: decoders first learn to use what it tells."""

    def __post_init__(self) -> None:
        check(self)

    def pace(self, step: int) -> float:
        """The share in a step.

        >>> HearingConfig(rate=0.1, warmup_steps=100).pace(49)
        0.05
        """
        return self.rate * min(1.0, (step + 1) / self.warmup_steps)
