"""Prepared recordings for the training loop."""

from __future__ import annotations

from pathlib import Path

from umt_trainer.data import Recording
from umt_trainer.prepare.manifest import Split, read_manifest
from umt_trainer.prepare.run import SHARDS
from umt_trainer.prepare.shards import ShardedWave


def load_split(folder: Path, split: Split) -> list[Recording]:
    """The stretches of one split; audio is read when an example is cut from it.

    Args:
        folder: of one prepared domain.
        split: train, val or test.

    Raises:
        TrainingError: the domain is not prepared, or its manifest is damaged.
    """
    manifest = read_manifest(folder)
    return [
        Recording(
            ShardedWave(
                folder / SHARDS / record.shard, part.first, part.num_samples, manifest.sample_rate
            ),
            name=f"{record.source}@{part.first}",
            digest=record.sha256,
        )
        for record, part in manifest.parts(split)
    ]
