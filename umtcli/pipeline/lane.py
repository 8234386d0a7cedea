"""One output in the making: latents in, audio into a sink.

    latents ─▶ decoder ─▶ stereo image ─▶ resample ─▶ exact length ─▶ sink

C channels of the file, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from umtcli.domain import Decoder, Streams
from umtcli.errors import PluginError
from umtcli.media import Resampler
from umtcli.pipeline.ear import Heard
from umtcli.pipeline.length import ExactLength
from umtcli.pipeline.stereo import StereoKeeper
from umtcli.pipeline.voices import Turn, Voices, advance


class Sink(Protocol):
    """Takes what was played, at the output's rate."""

    def write(self, block_TC: NDArray[np.float32]) -> None:
        """Take the next block, float32 (T, C)."""


class AnyLane(Protocol):
    """One output on its way through its streams: a `Lane`, or that of notes."""

    voices: Voices

    def turn(self, heard: Heard, *, last: bool) -> Turn:
        """What the streams are to be given of what was heard."""

    def take(self, played: Sequence[Tensor], heard: Heard, num_heard: int, *, last: bool) -> None:
        """Take what they made of it, a block a voice; see `Lane.take`."""


class Lane:
    """One decoder on its way through one file."""

    def __init__(
        self,
        decoder: Decoder,
        sink: Sink,
        *,
        num_channels: int,
        rate_in: int,
        rate_heard: int,
        rate_out: int,
    ) -> None:
        """Start playing.

        Args:
            decoder: shared with other files.
            sink: where the audio goes.
            num_channels: of the file, 1 or 2; the output has as many.
            rate_in: sample rate of the file, in Hz.
            rate_heard: sample rate at which the encoder hears it, in Hz.
            rate_out: sample rate of the output, in Hz.
        """
        self._sink = sink
        self._num_channels = num_channels
        self._mid_only = plays_mid(decoder, num_channels)
        self.voices = Voices(1 if self._mid_only else num_channels)
        self._stereo = StereoKeeper(rate_heard, decoder.sample_rate) if num_channels == 2 else None
        self._resampler = Resampler(decoder.sample_rate, rate_out, num_channels)
        self._length = ExactLength(rate_in, rate_out, num_channels)

    def turn(self, heard: Heard, *, last: bool) -> Turn:
        """What the decoder is to play of it."""
        return Turn(self.voices, heard.mid if self._mid_only else heard.sides, last)

    def take(self, played: Sequence[Tensor], heard: Heard, num_heard: int, *, last: bool) -> None:
        """Take what the decoder played, bring it into shape and send it to the sink.

        Args:
            played: one block a voice.
            heard: from the ear of the decoder's latent space, since the last call.
            num_heard: samples heard so far, at the file's rate.
            last: whether the file ended, with `num_heard` samples in all.
        """
        played_CT = self._stack(played)
        if self._stereo:
            played_CT = self._stereo.push(heard.wav_CT, played_CT)
            if last:
                played_CT = torch.cat([played_CT, self._stereo.finish()], dim=1)
        played_TC = self._resampler.push(np.ascontiguousarray(played_CT.numpy().T))
        if last:
            played_TC = np.concatenate([played_TC, self._resampler.finish()])
        self._send(self._length.push(played_TC, num_heard))
        if last:
            self._send(self._length.finish(num_heard))

    def _stack(self, voices: Sequence[Tensor]) -> Tensor:
        """One row a channel of the file, on the CPU; a mid is both channels until panned."""
        played_CT = torch.stack([voice.to("cpu", torch.float32) for voice in voices])
        if not torch.isfinite(played_CT).all():
            raise PluginError("The decoder played something that is not a number.")
        return played_CT.expand(self._num_channels, -1)

    def _send(self, block_TC: NDArray[np.float32]) -> None:
        if len(block_TC):
            self._sink.write(block_TC)


@dataclass(frozen=True)
class Step:
    """How one lane goes on: what was heard for it since its last step."""

    lane: AnyLane
    heard: Heard
    num_heard: int
    """Samples of the file so far, at its rate."""
    last: bool = False
    """Whether the file ends here."""

    def cut(self, num_frames: int) -> tuple[Step, Step | None]:
        """The step as far as some latent frames, and the rest if there is any."""
        if self.heard.num_frames <= num_frames:
            return self, None
        first, rest = self.heard.cut(num_frames)
        return replace(self, heard=first, last=False), replace(self, heard=rest)

    @property
    def over(self) -> bool:
        """Whether the file ended here, and all of it was played."""
        return self.last and not self.lane.voices.ids

    @property
    def owed(self) -> Step | None:
        """The end once more, if it was played and something is owed still."""
        if not self.last or self.over:
            return None
        _, nothing_more = self.heard.cut(self.heard.num_frames)
        return replace(self, heard=nothing_more)


def play(streams: Streams, steps: Sequence[Step]) -> list[Exception | None]:
    """Take the lanes of several files a step further through one decoder.

    Args:
        streams: of the decoder.
        steps: each of another lane.

    Returns:
        For each step what went wrong after the decoder, e.g. at the sink; None if nothing.
    """
    played = advance(streams, [step.lane.turn(step.heard, last=step.last) for step in steps])
    return [_taken(step, blocks) for step, blocks in zip(steps, played, strict=True)]


def _taken(step: Step, blocks: Sequence[Tensor]) -> Exception | None:
    try:
        step.lane.take(blocks, step.heard, step.num_heard, last=step.over)
    except Exception as e:
        return e
    return None


def plays_mid(decoder: Decoder, num_channels: int) -> bool:
    """Whether a decoder plays the mid of such a file instead of each channel."""
    return decoder.mid_only and num_channels > 1
