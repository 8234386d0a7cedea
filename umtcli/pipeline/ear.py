"""Hearing inputs in one latent space: each once, however many decoders play it.

T samples at the encoder's rate, C channels of the file, F latent frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from umtcli.domain import Encoder, Streams
from umtcli.media import Block, Resampler
from umtcli.pipeline.voices import Turn, Voices, advance


@dataclass(frozen=True)
class Heard:
    """A moment of the input as an encoder heard it."""

    wav_CT: Tensor
    """The waveform at the encoder's rate; runs ahead of the latents."""
    sides: list[Tensor]
    """Latents of each channel of the file; empty if no decoder wants them."""
    mid: list[Tensor]
    """Latents of the mean of the channels, one entry; empty if no decoder wants them."""

    @property
    def num_frames(self) -> int:
        """F."""
        return (self.sides + self.mid)[0].shape[1]

    def cut(self, num_frames: int) -> tuple[Heard, Heard]:
        """Its first latent frames with all of the waveform, and the frames that are left."""
        first, rest = slice(num_frames), slice(num_frames, None)
        return self._part(self.wav_CT, first), self._part(self.wav_CT[:, :0], rest)

    def _part(self, wav_CT: Tensor, frames: slice) -> Heard:
        return Heard(
            wav_CT,
            [latent_CF[:, frames] for latent_CF in self.sides],
            [latent_CF[:, frames] for latent_CF in self.mid],
        )


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
        self._resampler = Resampler(rate_in, encoder.sample_rate, num_channels)
        self._sides = Voices(num_channels) if sides else None
        self._mid = Voices(1) if mid else None

    @property
    def voices(self) -> list[Voices]:
        """All of them."""
        return [voices for voices in (self._sides, self._mid) if voices]

    def turns(self, block_TC: Block | None) -> tuple[Tensor, list[Turn]]:
        """The next block of the file as the encoder takes it.

        Args:
            block_TC: float32 (T, C) at the file's rate; None ends the file.

        Returns:
            the waveform (C, T), and a turn for each of `voices`.
        """
        last = block_TC is None
        wav_TC = self._resampler.finish() if block_TC is None else self._resampler.push(block_TC)
        wav_CT = torch.from_numpy(np.ascontiguousarray(wav_TC.T))
        turns = []
        if self._sides:
            turns.append(Turn(self._sides, list(wav_CT), last))
        if self._mid:
            turns.append(Turn(self._mid, [wav_CT.mean(dim=0)], last))
        return wav_CT, turns

    def heard(self, wav_CT: Tensor, ready: Iterator[list[Tensor]]) -> Heard:
        """Take what became of the turns, in their order."""
        return Heard(
            wav_CT,
            sides=next(ready) if self._sides else [],
            mid=next(ready) if self._mid else [],
        )


def hear(streams: Streams, listening: Sequence[tuple[Ear, Block | None]]) -> list[Heard]:
    """Take several files a step further through one encoder.

    Args:
        streams: of the encoder.
        listening: an ear for each file, with its next block; None ends the file.
    """
    steps = [ear.turns(block_TC) for ear, block_TC in listening]
    ready = iter(advance(streams, [turn for _, turns in steps for turn in turns]))
    pairs = zip(listening, steps, strict=True)
    return [ear.heard(wav_CT, ready) for (ear, _), (wav_CT, _) in pairs]
