"""Checkpoints: everything a run needs to go on as if it had never stopped.

A checkpoint says which run it belongs to. Another run refuses it, by the name of what
differs, instead of going on with weights that were taught something else.
"""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from umtcli.errors import TrainingError

State = dict[str, Any]


def save(path: Path, state: State) -> None:
    """Write a checkpoint; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as f:
        temporary = Path(f.name)
    try:
        with temporary.open("wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise


def load(path: Path) -> State | None:
    """Read a checkpoint, or None if there is none.

    Raises:
        TrainingError: the file is damaged, or no checkpoint at all.
    """
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as e:
        raise TrainingError(f"{path} is damaged ({e}); remove it to start again.") from e
    if not isinstance(state, dict):
        raise TrainingError(f"{path} is no checkpoint of a run; remove it to start again.")
    return state


def refuse_another_run(path: Path, kept: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Compare the identity in a checkpoint with that of the run that found it.

    A run may be made longer: only fewer `steps` than the checkpoint's are refused.

    Raises:
        TrainingError: naming the first field that differs, and both its values.
    """
    for field in sorted({*kept, *own}):
        before, now = kept.get(field), own.get(field)
        if field == "steps" and before is not None and now is not None and before <= now:
            continue
        if before != now:
            raise TrainingError(
                f"{path} belongs to another run: {field} was {before!r} there and is {now!r} "
                "here. Ask for what it was, or remove the file to start again."
            )
