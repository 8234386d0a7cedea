"""A translation beside its source alone, for `umt convert --score`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from umt_trainer.score.metrics import Case, measure
from umt_trainer.score.sound import load_sound
from umt_trainer.score.transcriber import BasicPitch, TranscriberMissing


def measure_beside(source: Path, output: Path) -> dict[str, float]:
    """Metrics by name; those of notes only where the transcriber is installed.

    Raises:
        UmtError: a file cannot be read.
    """
    found = measure(Case(load_sound(output), load_sound(source)), _transcriber())
    return {metric.name: sides["translation"] for metric, sides in found.items()}


@lru_cache(maxsize=1)
def _transcriber() -> BasicPitch | None:
    try:
        return BasicPitch()
    except TranscriberMissing:
        return None
