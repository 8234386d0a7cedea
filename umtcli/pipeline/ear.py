"""Hearing one input in one latent space: once, however many decoders play it.

T samples at the encoder's rate, C channels of the file, F latent frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from umtcli.domain import Encoder
from umtcli.media import Resampler
from umtcli.pipeline.voices import Voices


@dataclass(frozen=True)
class Heard:
    """A moment of the input as an encoder heard it."""

    wav_CT: Tensor
    """The waveform at the encoder's rate; runs ahead of the latents."""
    sides: list[Tensor]
    """Latents of each channel of the file; empty if no decoder wants them."""
    mid: list[Tensor]
    """Latents of the mean of the channels, one entry; empty if no decoder wants them."""


class Ear:
    """One encoder on its way through one file."""

    def __init__(
        self, encoder: Encoder, rate_in: int, num_channels: int, *, sides: bool, mid: bool
    ) -> None:
        """Start listening.

        Args:
            encoder: shared with other files.
            rate_in: sample rate of the file, in Hz.
            num_channels: of the file, 1 or 2.
            sides: whether some decoder plays each channel.
            mid: whether some decoder plays the mid.
        """
        self.sample_rate = encoder.sample_rate
        self._resampler = Resampler(rate_in, encoder.sample_rate, num_channels)
        streams = encoder.streams()
        self._sides = Voices(streams, num_channels) if sides else None
        self._mid = Voices(streams, 1) if mid else None

    def push(self, block_TC: NDArray[np.float32]) -> Heard:
        """Hear the next block of the file, float32 (T, C) at the file's rate."""
        return self._encode(self._resampler.push(block_TC))

    def finish(self) -> Heard:
        """Hear the end of the file."""
        heard = self._encode(self._resampler.finish())
        sides = _append(heard.sides, self._sides.finish() if self._sides else [])
        mid = _append(heard.mid, self._mid.finish() if self._mid else [])
        return Heard(heard.wav_CT, sides, mid)

    def _encode(self, block_TC: NDArray[np.float32]) -> Heard:
        wav_CT = torch.from_numpy(np.ascontiguousarray(block_TC.T))
        sides = self._sides.push(list(wav_CT)) if self._sides else []
        mid = self._mid.push([wav_CT.mean(dim=0)]) if self._mid else []
        return Heard(wav_CT, sides, mid)


def _append(blocks: list[Tensor], more: list[Tensor]) -> list[Tensor]:
    return [torch.cat(pair, dim=-1) for pair in zip(blocks, more, strict=True)]
