"""Checkpoints: everything a run needs to go on as if it had never stopped.

The newest is `run.pt`; the ones before it are `run.pt.1`, `run.pt.2`, … A newest one that is
damaged is passed over for the one before.

A checkpoint says which run it belongs to. Another run refuses it, by the name of what
differs, instead of going on with weights that were taught something else.
"""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from umtcli.console import say
from umtcli.errors import TrainingError

State = dict[str, Any]

_NONSENSE = (
    RuntimeError, ValueError, EOFError, struct.error, pickle.UnpicklingError, zipfile.BadZipFile
)  # fmt: skip
"""What torch and zipfile raise on bytes that are no checkpoint."""


class _Damaged(TrainingError):
    """A checkpoint that is there and cannot be used."""


def save(path: Path, state: State, keep: int = 1) -> None:
    """Write a checkpoint; the file appears whole or not at all.

    Args:
        path: of the newest checkpoint.
        state: what torch can save and load without running code.
        keep: how many of the last checkpoints stay, this one included.

    Raises:
        TrainingError: it cannot be written. Those before it are as they were.
    """
    # one name for all attempts: a process killed while it writes leaves no pile of them
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        for age in range(keep - 1, 0, -1):
            newer = _aged(path, age - 1)
            if newer.exists():
                newer.replace(_aged(path, age))
        temporary.replace(path)
    # torch tells of a disk that is full as a RuntimeError
    except (OSError, RuntimeError) as e:
        raise TrainingError(
            f"Cannot write {path}: {_reason(e)}. What was saved before is intact; make room, then "
            "run the same command again."
        ) from e
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path, tell: Callable[[str], None] = say) -> State | None:
    """Read the newest checkpoint that is whole, or None if there is none.

    Args:
        path: of the newest checkpoint.
        tell: is told of each that is damaged and passed over.

    Raises:
        TrainingError: all there are are damaged, or are no checkpoints at all.
    """
    damaged: list[str] = []
    for candidate in _found(path):
        try:
            state = _read(candidate)
        except _Damaged as e:
            damaged.append(str(e))
            continue
        for message in damaged:
            tell(f"{message} Going on from {candidate.name}, which was saved before it.")
        return state
    if damaged:
        raise TrainingError(f"{damaged[0]} Remove {path}* to start again.")
    return None


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
                f"here. Ask for what it was, or remove {path}* to start again."
            )


def _aged(path: Path, age: int) -> Path:
    """Where the checkpoint is that was the newest `age` checkpoints ago."""
    return path.with_name(f"{path.name}.{age}") if age else path


def _found(path: Path) -> list[Path]:
    """All checkpoints of a run, the newest first."""
    suffixes = [p.name[len(path.name) + 1 :] for p in path.parent.glob(f"{path.name}.*")]
    ages = sorted(int(suffix) for suffix in suffixes if suffix.isdecimal())
    return [*([path] if path.exists() else []), *(_aged(path, age) for age in ages)]


def _read(path: Path) -> State:
    """Read one checkpoint.

    Raises:
        _Damaged: it is not what was written, or no checkpoint at all.
        TrainingError: it cannot be read.
    """
    try:
        # torch itself does not look at the checksums that it writes
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        if broken is not None:
            raise _Damaged(f"{path} is damaged ({broken} is not as it was written).")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as e:
        raise TrainingError(f"Cannot read {path}: {_reason(e)}.") from e
    except _NONSENSE as e:
        raise _Damaged(f"{path} is damaged ({_reason(e)}).") from e
    if not isinstance(state, dict):
        raise _Damaged(f"{path} is no checkpoint of a run.")
    return state


def _reason(error: Exception) -> str:
    """An error in one line, without a full stop."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".")
