"""What a training run is told."""

from __future__ import annotations

from dataclasses import dataclass


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
    """At its peak; it falls to zero along half a cosine."""
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
