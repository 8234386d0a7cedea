"""A recipe's domains: what is learned from, and what is held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from umt_trainer.data import Recording, load_recording
from umt_trainer.examples import Domain
from umt_trainer.prepare import Source, Split, load_split, prepare, read_manifest
from umt_trainer.prepare.manifest import FILE
from umtcli.errors import TrainingError, UsageError
from umtcli.learning import Learning
from umtcli.pipeline.device import num_threads


def prepare_missing(
    domains: Mapping[str, Path], out: Path, learning: Learning, tell: Callable[[str], None]
) -> dict[str, Path]:
    """Prepare what is still plain audio, under `out`; return where each domain is prepared.

    Raises:
        UsageError: there is no such folder, or no audio in it.
        TrainingError: none of the audio can be used.
    """
    prepared = {}
    for name, folder in domains.items():
        if not folder.exists():
            raise UsageError(f"{name}: there is no folder {folder}. Is the path right?")
        prepared[name] = folder
        if not is_prepared(folder):
            if not is_prepared(out / name):
                tell(f"{name}: preparing {folder}.")
            manifest = prepare(
                Source(name, folder),
                out,
                learning,
                num_threads(),
                lambda *_: None,
                scores=learning.hears_scores,
            )
            for reject in manifest.rejects:
                tell(f"{name}: {reject.source} is left out: {reject.reason}")
            prepared[name] = out / name
    return prepared


def is_prepared(folder: Path) -> bool:
    """Whether a folder is what `umt prepare` made."""
    return (folder / FILE).exists()


def load_domains(
    prepared: Mapping[str, Path], split: Split, crop_s: float, learning: Learning
) -> list[Domain]:
    """Each domain's music of one split; recordings shorter than an example are left out.

    Raises:
        TrainingError: a domain has nothing left, was prepared for another sample rate, or
            lacks scores that the family's encoders learn from.
    """
    domains = []
    for name, folder in prepared.items():
        sample_rate = read_manifest(folder).sample_rate
        if sample_rate != learning.sample_rate:
            raise TrainingError(
                f"{folder} was prepared at {sample_rate} Hz, but the {learning.family} family "
                f"learns from {learning.sample_rate} Hz. Prepare it with "
                f"--family {learning.family}."
            )
        recordings = load_split(folder, split)
        unscored = [recording.name for recording in recordings if recording.notes is None]
        if learning.hears_scores and unscored:
            raise TrainingError(
                f"{name}: {unscored[0]} has no score, and encoders of the {learning.family} family "
                "learn from scores. Put a MIDI file of the same name beside each recording, and "
                "prepare them again."
            )
        domains.append(Domain(name, _long_enough(name, recordings, split, crop_s, learning)))
    return domains


def load_background(folder: str, learning: Learning) -> list[Tensor]:
    """All sounds of a folder, each (T,), in memory; none if no folder is named.

    Raises:
        UsageError: there is nothing in it.
        TrainingError: a sound is silent.
        DecodeError: a file is not audio.
    """
    if not folder:
        return []
    files = Source("background", Path(folder)).files() if Path(folder).exists() else []
    if not files:
        raise UsageError(f"background: there is no sound in {folder}. Is the path right?")
    sounds = [load_recording(path, learning.sample_rate) for path in files]
    return [torch.from_numpy(sound.wav[:].astype(np.float32) / 32768) for sound in sounds]


def _long_enough(
    name: str, recordings: Sequence[Recording], split: Split, crop_s: float, learning: Learning
) -> list[Recording]:
    shortest = round(crop_s * learning.sample_rate)
    kept = [recording for recording in recordings if len(recording.wav) >= shortest]
    if not kept:
        what = {"train": "to learn from", "val": "to hold out", "test": "to test on"}[split]
        raise TrainingError(
            f"{name} has nothing {what} that is as long as an example ({crop_s:g} s). Add "
            "recordings, or make crop_s shorter."
        )
    return kept
