"""The least family that a whole system can be trained of, and a task for three of its domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.confusion import ConfusionNetwork
from umt_trainer.data import Recording
from umt_trainer.examples import Domain
from umt_trainer.translation import TranslationNetwork, TranslationTask
from umtcli.learning import Batch

HOP, BEFORE, AFTER = 4, 3, 2
CONFIG = RunConfig(
    steps=6, batch_size=6, crop_s=0.06, shards=2, learning_rate=0.01, schedule="decay",
    decay=0.5, decay_examples=12, weight_decay=0.0, warmup_steps=1, checkpoint_every_s=0.0,
)  # fmt: skip


@dataclass
class Frames:
    """A family whose latents and audio are linear in each other, frame by frame."""

    family: str = "frames"
    front_end_version: int = 1
    sample_rate: int = 1000
    hop_samples: int = HOP
    distortion: dict[str, float] = field(default_factory=dict)
    played: list[tuple[nn.Module, Tensor, Tensor]] = field(default_factory=list)
    heard: list[tuple[Tensor, bool]] = field(default_factory=list)
    scored: list[Batch] = field(default_factory=list)

    def context_frames(self, decoder: nn.Module) -> tuple[int, int]:
        return BEFORE, AFTER

    def config_of(self, network: nn.Module) -> Mapping[str, Any]:
        return {"size": sum(p.numel() for p in network.parameters())}

    def encode(self, encoder: nn.Module, wav_BT: Tensor) -> Tensor:
        self.heard.append((wav_BT, torch.is_grad_enabled()))
        latents: Tensor = encoder(wav_BT.unflatten(-1, (-1, HOP))).transpose(1, 2)
        return latents

    def rehear(self, wav_T: Tensor, seed: int, number: int) -> Tensor:
        return -wav_T

    def teachable(self, heard_CF: Tensor, clean_CF: Tensor) -> Tensor:
        return torch.cat([heard_CF[:-1], clean_CF[-1:]])

    def distort(self, batch: Batch, seed: int, background: list[Tensor]) -> Batch:
        return replace(batch, wav_BT=2 * batch.wav_BT)

    def encoder_loss(self, encoder: nn.Module, batch: Batch) -> dict[str, Tensor]:
        self.scored.append(batch)
        return {"score": next(encoder.parameters()).square().sum()}

    def decoder_loss(
        self, decoder: nn.Module, latents_BCF: Tensor, wav_BT: Tensor
    ) -> dict[str, Tensor]:
        self.played.append((decoder, latents_BCF, wav_BT))
        inside = latents_BCF[..., BEFORE:-AFTER].transpose(1, 2)
        return {"error": (decoder(inside).flatten(1) - wav_BT).square().mean()}


def recording(number: int, scored: bool = False) -> Recording:
    """Noise around a level that tells the domain."""
    wav = np.random.default_rng(number).integers(-3000, 3000, 300) + 4000 * number
    notes = np.array([[0.0, 9.0, 60.0, 0.0]]) if scored else None
    return Recording(wav.astype(np.int16), notes)


def task(num_domains: int = 3, scored: bool = False, **changes: Any) -> TranslationTask:
    torch.manual_seed(0)
    decoders = [nn.Linear(2, HOP) for _ in range(num_domains)]
    network = TranslationNetwork(nn.Linear(HOP, 2), decoders, ConfusionNetwork(2, num_domains, 8))
    domains = [Domain(f"d{n}", [recording(n, scored)]) for n in range(num_domains)]
    return replace(TranslationTask(network, Frames(), domains, CONFIG), **changes)


def learning_of(task: TranslationTask) -> Frames:
    assert isinstance(task.learning, Frames)
    return task.learning
