"""The recipe's learning: the universal encoder from scores, then a decoder per domain.

Both use the trainer's one loop and the harmonic family's public `Learning`; what is only
the recipe's own is which music is learned and what the bundles say of themselves.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from starter.score import Score, read_midi
from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import FRONT_END_VERSION, SAMPLE_RATE
from umt_domains.harmonic.distort import recorded
from umt_trainer.config import RunConfig
from umt_trainer.data import Array, Recording, load_recording
from umt_trainer.loop import Report, train
from umt_trainer.tasks import DecoderTask, EncoderTask, hear
from umtcli.bundle import BundleInfo, read_bundle, write_bundle

LICENCE = "Apache-2.0"
SPACE = "harmonic/1"
HEARINGS = 3
"""How many times a decoder's music is heard: once clean, the others distorted."""

DESCRIPTIONS = {
    "piano": "Grand piano",
    "strings": "String ensemble",
    "organ": "Church organ",
}
DECODERS: Mapping[str, Mapping[str, Any]] = {
    "piano": {"inharmonicity": 3.5e-4},
    "strings": {},
    "organ": {},
}
"""What differs between the decoders' networks: strings of steel are stiff."""

ENCODER_RUN = RunConfig(steps=1500, batch_size=8, crop_s=4.0, learning_rate=3e-3)
DECODER_RUN = RunConfig(
    steps=1200, batch_size=4, crop_s=2.0, learning_rate=3e-3, shards=2, workers=1
)


def notes_array(score: Score) -> Array:
    """A score's notes as the trainer wants them: (N, 4) start_s, end_s, pitch, level_db.

    Levels are relative to the piece's loud notes (its 90th percentile), with FluidSynth's
    law of loudness: amplitude goes with the square of the velocity.
    """
    if not score.notes:
        return np.zeros((0, 4))
    rows = np.array([(n.start_s, n.end_s, n.pitch, n.velocity) for n in score.notes])
    level_db = 40 * np.log10(rows[:, 3] / 127)
    rows[:, 3] = level_db - np.percentile(level_db, 90)
    return rows


def train_encoder(out: Path, config: RunConfig, report: Report) -> BundleInfo:
    """Learn to hear from `out/practice` and `out/drums`; write the encoder's bundle."""
    learning = HarmonicFamily().learning()
    torch.manual_seed(config.seed)
    network = learning.new_encoder({}).to(memory_format=torch.channels_last)
    practice = sorted((out / "practice").glob("*.flac"))
    recordings = _load(practice, with_notes=True)
    drums = [
        torch.from_numpy(r.wav.astype(np.float32) / 32768)
        for r in _load(sorted((out / "drums").glob("*.flac")))
    ]
    task = EncoderTask(network, learning, recordings, drums, config)
    trained = train(task, config, out / "runs" / "encoder.pt", report)
    return write_bundle(
        out / "weights" / "encoders" / "harmonic-1.safetensors",
        kind="encoder",
        family="harmonic",
        name=SPACE,
        config=learning.config_of(trained),
        space=learning.encoder_space(SPACE),
        sample_rate=SAMPLE_RATE,
        provenance=_provenance("Hears the notes of any music", len(practice), config),
        tensors=_halves(trained),
        front_end_version=FRONT_END_VERSION,
    )


def train_decoder(out: Path, domain: str, config: RunConfig, report: Report) -> BundleInfo:
    """Learn to play `out/domains/<domain>` as the frozen encoder hears it."""
    family = HarmonicFamily()
    learning = family.learning()
    encoder_bundle = read_bundle(out / "weights" / "encoders" / "harmonic-1.safetensors", "encoder")
    paths = sorted((out / "domains" / domain).glob("*.flac"))
    encoder = family.load_encoder(encoder_bundle, "cpu")
    recordings = [
        _heard(recording, number, lambda wav: hear(encoder, wav), config.seed)
        for number, recording in enumerate(_load(paths))
    ]
    torch.manual_seed(config.seed)
    network = learning.new_decoder(DECODERS[domain])
    task = DecoderTask(network, learning, recordings, config)
    trained = train(task, config, out / "runs" / f"{domain}.pt", report)
    return write_bundle(
        out / "weights" / f"{domain}.safetensors",
        kind="decoder",
        family="harmonic",
        name=domain,
        config=learning.config_of(trained),
        space=encoder_bundle.info.space,
        sample_rate=SAMPLE_RATE,
        provenance=_provenance(DESCRIPTIONS[domain], len(paths), config),
        tensors=_halves(trained),
    )


def _load(paths: Sequence[Path], with_notes: bool = False) -> list[Recording]:
    def load(path: Path) -> Recording:
        notes = notes_array(read_midi(path.with_suffix(".mid"))) if with_notes else None
        return load_recording(path, SAMPLE_RATE, notes)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(load, paths))


def _heard(
    recording: Recording, number: int, listen: Callable[[torch.Tensor], torch.Tensor], seed: int
) -> Recording:
    """A recording with what the encoder hears in it: clean, and through distortions.

    A decoder that only ever saw one hearing would learn the recording's own traces in the
    latents, which no other instrument leaves there.
    """
    wav = torch.from_numpy(recording.wav.astype(np.float32) / 32768)
    rooms = (np.random.default_rng((seed, number, k)) for k in range(1, HEARINGS))
    hearings = [wav, *(recorded(wav, random) for random in rooms)]
    latents = [listen(heard).numpy().astype(np.float16) for heard in hearings]
    for distorted in latents[1:]:
        distorted[-1] = latents[0][-1]  # the level is that of the audio to be played
    return Recording(recording.wav, recording.notes, tuple(latents))


def _halves(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.half() for name, tensor in network.state_dict().items()}


def _provenance(description: str, num_files: int, config: RunConfig) -> dict[str, str]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    return {
        "description": description,
        "licence": LICENCE,
        "author": "the umt developers",
        "data": f"{num_files} pieces composed by rule and rendered with FluidR3 GM (MIT)",
        "recipe": f"domains/starter at commit {commit or 'unknown'}, seed {config.seed}, "
        f"{config.steps} steps of {config.batch_size} × {config.crop_s:g} s",
    }
