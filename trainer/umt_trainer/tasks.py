"""What there is to learn: an encoder from scores, or a decoder on a frozen encoder.

A task turns the number of a step into losses; the loop does the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.data import Recording, draw, draw_batch
from umtcli.domain import Encoder
from umtcli.learning import Learning


class Task(Protocol):
    """One thing to learn."""

    network: nn.Module

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        """Named mean losses of examples `index` … `index + size − 1`.

        Names that begin with `_` are only shown.
        """


@dataclass(frozen=True)
class EncoderTask:
    """Hear the scores of distorted practice music."""

    network: nn.Module
    learning: Learning
    recordings: Sequence[Recording]
    background: list[Tensor]
    config: RunConfig

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        """Losses of hearing."""
        rate, seed = self.learning.sample_rate, self.config.seed
        length = round(self.config.crop_s * rate)
        batch = draw_batch(self.recordings, seed, index, size, length, rate)
        heard = self.learning.distort(batch, seed, self.background)
        return self.learning.encoder_loss(self.network, heard)


@dataclass(frozen=True)
class DecoderTask:
    """Play again what a frozen encoder heard."""

    network: nn.Module
    learning: Learning
    recordings: Sequence[Recording]
    config: RunConfig

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        """Losses of playing."""
        hop = self.learning.hop_samples
        num_frames = round(self.config.crop_s * self.learning.sample_rate / hop)
        examples = [self._example(number, num_frames) for number in range(index, index + size)]
        latents, wavs = zip(*examples, strict=True)
        return self.learning.decoder_loss(self.network, torch.stack(latents), torch.stack(wavs))

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


def hear(encoder: Encoder, wav_T: Tensor) -> Tensor:
    """The latents of a whole waveform, (C, F)."""
    streams = encoder.streams()
    stream = streams.open()
    start = streams.push({stream: wav_T})[stream]
    return torch.cat([start, streams.finish([stream])[stream]], dim=-1)
