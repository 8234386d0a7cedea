"""A new instrument from recordings: `umt train kazoo=recordings/` without its command line.

    recordings ── prepare ── hear (frozen encoder) ── learn (decoder) ── ~/…/domains/kazoo

All of it happens in the user's data folder, under `training/NAME`, and goes on there after
an interruption.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from umt_trainer.beginning import begin
from umt_trainer.config import RunConfig
from umt_trainer.data import Recording
from umt_trainer.fitness import judge_manifest, judge_playable
from umt_trainer.loop import train
from umt_trainer.pieces import hear_all, load_pieces, playable_share
from umt_trainer.prepare import Manifest, Source, prepare
from umt_trainer.tasks import DecoderTask
from umt_trainer.validation import decoder_loss
from umt_trainer.watching import Watcher
from umtcli import __version__
from umtcli.bundle import BundleInfo, read_bundle
from umtcli.domain import Encoder, Family
from umtcli.learned import write_decoder
from umtcli.learning import Learning
from umtcli.pipeline.device import torch_threads

PRIVATE = "private"
"""The licence of an instrument whose owner named none."""


@dataclass(frozen=True)
class InstrumentSettings:
    """How an instrument is learned."""

    run: RunConfig
    """Of the decoder."""
    hearings: int = 3
    """How many times its music is heard: once clean, the others distorted."""
    longest_s: float = 1200.0
    """Of the music that is learned from; more is thinned out evenly, because all of it is
    heard first, and kept in memory."""
    validation_examples: int = 64
    """Crops of held-out music that the result is measured on."""


SETTINGS = InstrumentSettings(
    RunConfig(
        steps=4800,
        batch_size=2,
        crop_s=2.0,
        learning_rate=3e-3,
        shards=2,
        workers=2,
        checkpoint_every_s=30.0,
    )
)
"""The one place for how long `umt train kazoo=…` learns, from how much, and how."""


MOST_WORKERS = 4
"""Threads that hear and learn: each needs some 300 MB, and more have little to do."""


@dataclass(frozen=True)
class About:
    """What its owner says of an instrument; it goes into the bundle."""

    licence: str = PRIVATE
    author: str = ""
    description: str = ""


@dataclass(frozen=True)
class Instrument:
    """What came of it."""

    info: BundleInfo
    validation_loss: float
    """On held-out recordings, of which nothing was learned."""
    manifest: Manifest


def train_instrument(
    source: Source,
    family: Family,
    encoder_path: Path,
    home: Path,
    settings: InstrumentSettings = SETTINGS,
    about: About | None = None,
    watcher: Watcher | None = None,
    known: Sequence[Path] = (),
) -> Instrument:
    """Learn to play as in the recordings, and install the domain for the user.

    Args:
        source: the new domain's name and its recordings.
        family: the architecture of the decoder.
        encoder_path: bundle of the frozen encoder.
        home: the user's data folder.
        settings: how it is learned.
        about: what its owner says of it.
        watcher: is told what happens.
        known: bundles of domains on this encoder; it begins as the one most like it.

    Raises:
        TrainingError: the recordings cannot teach it, or the run cannot go on.
        UsageError: the folder holds no audio.
    """
    watcher = watcher or Watcher()
    encoder = read_bundle(encoder_path, "encoder")
    learning = family.learning(encoder.info.config)
    work = home / "training" / source.name
    manifest = _prepared(source, work, learning, settings, watcher)
    with torch_threads(1):  # stretches, and shards of a batch, are computed side by side
        ear = family.load_encoder(encoder, "cpu")
        music, held_out = _heard(work / source.name, ear, learning, settings, watcher)
        torch.manual_seed(settings.run.seed)
        network = learning.new_decoder({})
        fresh = DecoderTask(network, learning, music, encoder.info.space, settings.run)
        task, start = begin(fresh, known)
        count = watcher.stage("learning", settings.run.steps)
        trained = train(task, settings.run, _checkpoint(work, task, start), lambda *_: count(1))
        judged = replace(task, network=trained, recordings=held_out)
        loss = decoder_loss(judged, settings.validation_examples)
    info = write_decoder(
        home / "domains" / f"{source.name}.safetensors",
        trained,
        learning,
        name=source.name,
        space=encoder.info.space,
        provenance=_provenance(manifest, settings.run, about or About(), start, loss),
        half=True,
    )
    return Instrument(info, loss, manifest)


def _prepared(
    source: Source,
    work: Path,
    learning: Learning,
    settings: InstrumentSettings,
    watcher: Watcher,
) -> Manifest:
    """The recordings in shards, and found to be enough."""
    count = watcher.stage("preparing", len(source.files()))
    manifest = prepare(
        source, work, learning, settings.run.workers, lambda _, files: count(files), overwrite=True
    )
    watcher.prepared(manifest, work / source.name)
    for warning in judge_manifest(manifest):
        watcher.warn(warning)
    return manifest


def _heard(
    folder: Path,
    encoder: Encoder,
    learning: Learning,
    settings: InstrumentSettings,
    watcher: Watcher,
) -> tuple[list[Recording], list[Recording]]:
    """What the encoder hears in the music to learn from, and in what is held out."""
    run, rate = settings.run, learning.sample_rate
    music = load_pieces(folder, "train", settings.longest_s, rate)
    held_out = load_pieces(folder, "val", settings.longest_s / 8, rate)
    for warning in judge_playable(folder.name, playable_share(music, encoder, learning)):
        watcher.warn(warning)
    hearings = (music, settings.hearings), (held_out, 1)
    total_s = sum(len(piece.wav) * times for pieces, times in hearings for piece in pieces) / rate
    count = watcher.stage("hearing", total_s)
    first, second = (
        hear_all(pieces, encoder, learning, run.seed, times, run.workers, count)
        for pieces, times in hearings
    )
    return first, second


def _checkpoint(work: Path, task: DecoderTask, start: str) -> Path:
    """One for each beginning, music, encoder and settings; a longer run goes on with the same."""
    identity = {**task.identity(), **task.config.identity(), "steps": None, "start": start}
    digest = hashlib.sha256(repr(sorted(identity.items())).encode()).hexdigest()
    return work / f"run-{digest[:12]}.pt"


def _provenance(
    manifest: Manifest, run: RunConfig, about: About, start: str, loss: float
) -> dict[str, str]:
    contents = hashlib.sha256("".join(r.sha256 for r in manifest.records).encode()).hexdigest()
    provenance = {
        "description": about.description or f"{manifest.domain}, from recordings",
        "licence": about.licence,
        "data": f"{len(manifest.records)} recordings, {manifest.duration_s / 60:.1f} minutes "
        f"(sha256 of all: {contents[:16]})",
        "recipe": f"umt {__version__}: umt train {manifest.domain}=…, seed {run.seed}, "
        f"{run.steps} steps of {run.batch_size} × {run.crop_s:g} s"
        f"{f' from {start}' if start else ''}; loss on held-out recordings {loss:.4f}",
    }
    return provenance | ({"author": about.author} if about.author else {})
