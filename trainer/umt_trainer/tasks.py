"""What there is to learn: an encoder from scores, or a decoder on a frozen encoder.

A task turns the numbers of examples into losses, of one group of parameters after the
other; the loop does the rest. `umt_trainer.translation` has the paper's own task.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.data import Recording, draw, draw_batch, fingerprint
from umtcli.domain import LatentSpace
from umtcli.errors import TrainingError
from umtcli.learning import Learning

Losses = Callable[[int, int], dict[str, Tensor]]
"""(index, size): named mean losses of examples `index` … `index + size − 1`, on the CPU or a
device. Names that begin with `_` are measures: they are only shown, and NaN where no example
has them. The names are the same whatever the examples."""


def total(losses: Mapping[str, Tensor]) -> Tensor:
    """What is minimized: the sum of the losses, without the measures."""
    return sum((v for k, v in losses.items() if not k.startswith("_")), torch.zeros(()))


@dataclass(frozen=True)
class Phase:
    """One update of a step: some parameters, and what they are judged by.

    Attributes:
        name: of the phase, and of its optimizer in checkpoints.
        learned: the parameters that it updates; its losses may touch others.
        losses: what is minimized. Their names are not those of a phase of another name.
        rate: its learning rate, as a share of the run's.
        slower: those of the learned parameters that have a pace of their own.
        pace: what they learn at in a step, as a share of that rate.
    """

    name: str
    learned: Sequence[nn.Parameter]
    losses: Losses
    rate: float = 1.0
    slower: Sequence[nn.Parameter] = ()
    pace: Callable[[int], float] = lambda _: 1.0

    @classmethod
    def of(cls, name: str, network: nn.Module, losses: Losses) -> Phase:
        """A phase that updates all of a network that may change."""
        return cls(name, [p for p in network.parameters() if p.requires_grad], losses)


class Task(Protocol):
    """One thing to learn."""

    @property
    def network(self) -> nn.Module:
        """What is trained, in place."""

    def identity(self) -> dict[str, Any]:
        """What is learned from what, as plain values: a checkpoint of another is refused."""

    def phases(self) -> Sequence[Phase]:
        """The updates of each step, in order. A later one sees what an earlier one changed.

        Those of one name update the same parameters, and share an optimizer.
        """


@dataclass(frozen=True)
class EncoderTask:
    """Hear the scores of distorted practice music.

    Attributes:
        network: the encoder's.
        learning: of its family.
        recordings: practice music, each with its score.
        background: (T,) sounds without notes, such as drums.
        config: of the run.

    Raises:
        TrainingError: naming a recording that has no score.
    """

    network: nn.Module
    learning: Learning
    recordings: Sequence[Recording]
    background: list[Tensor]
    config: RunConfig

    def __post_init__(self) -> None:
        for recording in self.recordings:
            if recording.notes is None:
                raise TrainingError(
                    f"{recording.name} has no score. An encoder learns from scores: put a "
                    "MIDI file beside it, or leave it out."
                )

    def identity(self) -> dict[str, Any]:
        """The network, the family, the practice music and the background."""
        return _identity(self, "encoder") | {"background": fingerprint_sounds(self.background)}

    def phases(self) -> list[Phase]:
        """One: the whole network."""
        return [Phase.of("encoder", self.network, self.losses)]

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        """Losses of hearing."""
        rate, seed = self.learning.sample_rate, self.config.seed
        length = round(self.config.crop_s * rate)
        batch = draw_batch(self.recordings, seed, index, size, length, rate)
        heard = self.learning.distort(batch, seed, self.background)
        heard = replace(heard, wav_BT=heard.wav_BT.to(_device(self.network)))
        return self.learning.encoder_loss(self.network, heard)


@dataclass(frozen=True)
class DecoderTask:
    """Play again what a frozen encoder heard.

    Attributes:
        network: the decoder's.
        learning: of its family.
        recordings: music of the domain, each with its latents.
        space: the encoder's latent space, with its fingerprint.
        config: of the run.
    """

    network: nn.Module
    learning: Learning
    recordings: Sequence[Recording]
    space: LatentSpace
    config: RunConfig

    def identity(self) -> dict[str, Any]:
        """The network, the family, the domain's music and the encoder that heard it."""
        return _identity(self, "decoder") | {"encoder": str(self.space)}

    def phases(self) -> list[Phase]:
        """One: the whole network."""
        return [Phase.of("decoder", self.network, self.losses)]

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        """Losses of playing."""
        hop = self.learning.hop_samples
        num_frames = round(self.config.crop_s * self.learning.sample_rate / hop)
        examples = [self._example(number, num_frames) for number in range(index, index + size)]
        latents, wavs = zip(*examples, strict=True)
        device = _device(self.network)
        latents_BCF, wav_BT = torch.stack(latents).to(device), torch.stack(wavs).to(device)
        return self.learning.decoder_loss(self.network, latents_BCF, wav_BT)

    def _example(self, number: int, num_frames: int) -> tuple[Tensor, Tensor]:
        """Latents with their context around the audio, and the audio: (C, F), (T,)."""
        hop = self.learning.hop_samples
        which, first = draw(self.recordings, self.config.seed, number, num_frames * hop)
        recording = self.recordings[which]
        wav, _ = recording.crop(first // hop * hop, num_frames * hop, self.learning.sample_rate)
        heard = recording.latents[number % len(recording.latents)]
        before, after = self.learning.context_frames(self.network)
        start, end = first // hop - before, first // hop + num_frames + after
        # beyond the ends of a recording there is silence, as when it is converted
        padding = max(0, -start), max(0, end - heard.shape[1])
        inside = heard[:, max(0, start) : end].astype(np.float32)
        return torch.from_numpy(np.pad(inside, ((0, 0), padding))), wav


def fingerprint_sounds(sounds: Sequence[Tensor]) -> str:
    """Tells whether a run's background is that which it began with."""
    digest = hashlib.sha256()
    for sound in sounds:
        digest.update(repr((len(sound), zlib.crc32(sound.numpy().tobytes()))).encode())
    return f"{len(sounds)} sounds, {digest.hexdigest()[:12]}"


def _identity(task: EncoderTask | DecoderTask, kind: str) -> dict[str, Any]:
    """What the identities of both tasks have in common."""
    return {
        "kind": kind,
        "family": task.learning.family,
        "front_end_version": task.learning.front_end_version,
        "network": task.learning.config_of(task.network),
        "recordings": fingerprint(task.recordings),
    }


def _device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
