"""The recipe's learning: the universal encoder from scores, then a decoder per domain.

Both use the trainer's one loop and the harmonic family's public `Learning`; what is only
the recipe's own is which music is learned and what the bundles say of themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from starter.programs import run_program
from starter.runs import DECODER_RUN, ENCODER_RUN
from starter.targets import TARGETS
from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.features import PhraseFeatures
from umt_domains.harmonic.latents import LEVEL, activations
from umt_domains.harmonic.learning import note_targets
from umt_trainer.config import RunConfig
from umt_trainer.data import Recording, load_recording
from umt_trainer.hearing import heard
from umt_trainer.loop import Report, train
from umt_trainer.prepare.scores import read_notes
from umt_trainer.tasks import DecoderTask, EncoderTask
from umtcli.bundle import Bundle, BundleInfo, read_bundle, read_info
from umtcli.errors import TrainingError, UmtError, UsageError
from umtcli.fitting import load_weights
from umtcli.learned import write_decoder, write_encoder

__all__ = ["DECODER_RUN", "ENCODER_RUN", "train_decoder", "train_encoder"]

LICENCE = "Apache-2.0"
SPACE = "harmonic/2"
ENCODER: dict[str, Any] = {"front_end": 2, "entry_channels": 16, "bend": True}
"""What differs from the family's own sizes, which are those of `harmonic/1`."""
RENDERED = "composed by rule and rendered with FluidR3 GM (MIT)"
SURE = 0.5
"""A frame activation from which on a pitch's velocity can be told."""
AROUND_FRAMES = 25
"""On either side, of what is heard around a note: half a second."""
UNHEARD = 1e-2
"""Of squared frame activations, added up over pitches and averaged over those frames."""
ENTRY = "entry.weight"
"""Of a decoder: (maps, features, 3, 3)."""
STEP = "python -m starter"
"""How the recipe's steps are run."""


def train_encoder(out: Path, config: RunConfig, report: Report) -> BundleInfo:
    """Learn to hear from `out/practice` and `out/drums`; write the encoder's bundle.

    Raises:
        TrainingError: the music is not there yet, or the run cannot go on.
    """
    version = _commit()
    practice = _pieces(out / "practice", f"practice {out}")
    drums = _pieces(out / "drums", f"drums {out}")
    learning = HarmonicFamily().learning(ENCODER)
    torch.manual_seed(config.seed)
    network = learning.new_encoder(ENCODER)
    nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)
    background = [torch.from_numpy(r.wav[:].astype(np.float32) / 32768) for r in _load(drums)]
    task = EncoderTask(network, learning, _load(practice, with_notes=True), background, config)
    trained = train(task, config, out / "runs" / "encoder.pt", report)
    invented = sum(path.stem.startswith("invented") for path in practice)
    music = (
        f"{len(practice) - invented} pieces, and {len(drums)} drum loops and noises, {RENDERED}; "
        f"{invented} pieces played by instruments that were invented"
    )
    return write_encoder(
        encoder_path(out),
        trained,
        learning,
        name=SPACE,
        provenance=_provenance("Hears the notes of any music", music, config, version),
        half=True,
    )


def train_decoder(out: Path, domain: str, config: RunConfig, report: Report) -> BundleInfo:
    """Learn to play `out/domains/<domain>` as the frozen encoder hears it.

    Where it helps, its scores are learned from as well.

    Raises:
        UsageError: the recipe has no such domain.
        TrainingError: the encoder, the music or the decoder that it begins as is not there yet,
            or the run cannot go on.
    """
    version = _commit()
    if domain not in TARGETS:
        raise UsageError(f"The recipe has no domain {domain!r}; it has {', '.join(TARGETS)}.")
    if not encoder_path(out).exists():
        raise TrainingError(f"{encoder_path(out)} is missing. Run {STEP} encoder {out} first.")
    start = _start(out, TARGETS[domain].begins_as)
    paths = _pieces(out / "domains" / domain, f"domains {out}")
    family = HarmonicFamily()
    encoder_bundle = read_bundle(encoder_path(out), "encoder")
    learning = family.learning(encoder_bundle.info.config)
    encoder = family.load_encoder(encoder_bundle, "cpu")
    recordings = [
        heard(recording, number, encoder, learning, config.seed)
        for number, recording in enumerate(_load(paths, with_notes=TARGETS[domain].scored))
    ]
    if TARGETS[domain].scored:
        recordings = [with_score(recording) for recording in recordings]
    torch.manual_seed(config.seed)
    network = learning.new_decoder(decoder_config(domain))
    if start is not None:
        load_weights(network, fitted(start, network))
    task = DecoderTask(network, learning, recordings, encoder_bundle.info.space, config)
    trained = train(task, config, out / "runs" / f"{domain}.pt", report)
    return write_decoder(
        decoder_path(out, domain),
        trained,
        learning,
        name=domain,
        space=encoder_bundle.info.space,
        provenance=_provenance(
            TARGETS[domain].description, f"{len(paths)} pieces {RENDERED}", config, version, start
        ),
        half=True,
    )


def with_score(recording: Recording) -> Recording:
    """Music that was heard, as often again as it would be without any mistake.

    An encoder's mistakes are an instrument's own. It takes an organ's stops for keys, and a
    decoder that learned from nothing else would wait for such keys when an oboe plays.

    How hard notes are struck stays as it was heard, against what sounded lately: a score tells it
    against the whole piece.
    """
    assert recording.notes is not None
    clean_CF = recording.latents[0]
    written = note_targets(recording.notes, clean_CF.shape[-1], skipped_frames=0)
    written[2] = written[0] * _velocity(torch.from_numpy(clean_CF).float(), written[2])
    score_CF = np.concatenate([written.flatten(0, 1).numpy(), clean_CF[LEVEL:]]).astype(np.float16)
    return replace(recording, latents=recording.latents + (score_CF,) * len(recording.latents))


def _velocity(latents_CF: Tensor, written_PF: Tensor) -> Tensor:
    """Of each pitch as heard, else of what is heard around it, else as written: (P, F)."""
    frame_PF, _, loud_PF = activations(latents_CF)
    sums_2F = torch.stack([(loud_PF * frame_PF).sum(0), frame_PF.square().sum(0)])
    loud_F, notes_F = functional.avg_pool1d(
        sums_2F[None], 2 * AROUND_FRAMES + 1, stride=1, padding=AROUND_FRAMES
    )[0]
    around_PF = torch.where(notes_F > UNHEARD, loud_F / notes_F.clamp_min(UNHEARD), written_PF)
    return torch.where(frame_PF > SURE, loud_PF / frame_PF.clamp_min(SURE), around_PF)


def _start(out: Path, name: str | None) -> Bundle | None:
    """The decoder that another begins as."""
    if name is None:
        return None
    if not is_trained(out, name):
        raise TrainingError(f"It begins as {name}. Run {STEP} decoder {out} {name} first.")
    return read_bundle(decoder_path(out, name))


def fitted(start: Bundle, network: nn.Module) -> Bundle:
    """A decoder's bundle, for a network that may be told of phrases where that one was not.

    What that one was not told, the new one does not listen to at first. All else is for the
    weights to fit.
    """
    entry, wanted = start.tensors[ENTRY], network.get_parameter(ENTRY).shape[1]
    if start.info.config["generation"] != 3 or wanted != PhraseFeatures.num_features:
        return start
    blind = functional.pad(entry, (0, 0, 0, 0, 0, wanted - entry.shape[1]))
    return replace(start, tensors={**start.tensors, ENTRY: blind})


def is_trained(out: Path, domain: str) -> bool:
    """Whether there is a decoder of a domain, on the encoder that is there."""
    path = decoder_path(out, domain)
    if not (path.exists() and encoder_path(out).exists()):
        return False
    return read_info(path).space == read_info(encoder_path(out)).space


def decoder_config(domain: str) -> dict[str, Any]:
    """What the recipe asks of a domain's network: its strings and its range."""
    target = TARGETS[domain]
    return {**target.decoder, "lowest_midi": target.low, "highest_midi": target.high}


def encoder_path(out: Path) -> Path:
    """Where the encoder's bundle is."""
    return out / "weights" / "encoders" / "harmonic-2.safetensors"


def decoder_path(out: Path, domain: str) -> Path:
    """Where a domain's bundle is."""
    return out / "weights" / f"{domain}.safetensors"


def _pieces(folder: Path, step: str) -> list[Path]:
    paths = sorted(folder.glob("*.flac"))
    if not paths:
        raise TrainingError(f"There is no music in {folder}. Run {STEP} {step} first.")
    return paths


def _load(paths: Sequence[Path], with_notes: bool = False) -> list[Recording]:
    def load(path: Path) -> Recording:
        notes = read_notes(path.with_suffix(".mid")) if with_notes else None
        return load_recording(path, SAMPLE_RATE, notes)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(load, paths))


def _commit() -> str:
    """The version of the code, asked for when a run starts: by its end, files may differ."""
    here = str(Path(__file__).parent)
    try:
        return run_program(["git", "-C", here, "describe", "--always", "--dirty"]).strip()
    except UmtError:
        return "unknown"


def _provenance(
    description: str, music: str, config: RunConfig, version: str, start: Bundle | None = None
) -> dict[str, str]:
    begun = f", begun as {start.info.name} ({start.info.digest[:12]})" if start else ""
    return {
        "description": description,
        "licence": LICENCE,
        "author": "the umt developers",
        "data": music,
        "recipe": f"domains/starter at commit {version}, seed {config.seed}, "
        f"{config.steps} steps of {config.batch_size} × {config.crop_s:g} s{begun}",
    }
