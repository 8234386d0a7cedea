"""Prepared recordings for the training loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from umt_trainer.data import Array, Recording
from umt_trainer.prepare.manifest import Part, Split, read_manifest
from umt_trainer.prepare.run import SHARDS
from umt_trainer.prepare.scores import within
from umt_trainer.prepare.shards import ShardedWave, read_facts
from umtcli.errors import TrainingError


def load_split(folder: Path, split: Split) -> list[Recording]:
    """The stretches of one split; audio is read when an example is cut from it.

    Args:
        folder: of one prepared domain.
        split: train, val or test.

    Raises:
        TrainingError: the domain is not prepared, or its manifest or a score is damaged.
    """
    manifest = read_manifest(folder)
    return [
        Recording(
            ShardedWave(
                folder / SHARDS / record.shard, part.first, part.num_samples, manifest.sample_rate
            ),
            _notes(folder / SHARDS / record.shard, part, manifest.sample_rate)
            if record.score_sha256
            else None,
            name=f"{record.source}@{part.first}",
            digest=record.sha256,
        )
        for record, part in manifest.parts(split)
    ]


def _notes(shard: Path, part: Part, sample_rate: int) -> Array:
    """The score of a stretch."""
    facts = read_facts(shard) or {}
    notes = np.array(facts.get("notes", ()), np.float64)
    if notes.ndim != 2 or notes.shape[1] != 4:
        raise TrainingError(f"The shard {shard} lacks its score. Delete it and prepare again.")
    return within(notes, part.first / sample_rate, part.num_samples / sample_rate)
