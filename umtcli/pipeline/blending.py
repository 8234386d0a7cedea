"""Two pieces, heard and crossfaded in latent space: the paper's semantic blending.

    A ─▶ ear ─▶ latents ─┐
                         ├─▶ crossfade ─▶ latents that an ordinary lane plays
    B ─▶ ear ─▶ latents ─┘

The waveforms are crossfaded alike, for what the lane needs besides latents: the stereo
image, and how loud the result should be. A comes first, then B, so that one block is in
memory at a time; A is read no further than its last frame that counts.

T samples, C channels, F latent frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from umtcli.domain import Encoder
from umtcli.errors import UsageError
from umtcli.media import AudioReader, Block, Resampler
from umtcli.pipeline.crossfade import Crossfade
from umtcli.pipeline.ear import Ear, Heard, hear


@dataclass(frozen=True)
class Joint:
    """How two pieces are joined; times are rounded to frames of the latent space."""

    encoder: Encoder
    sample_rate: int
    """Of the reference waveform, in Hz."""
    num_channels: int
    """Of the result, 1 or 2; a mono piece has its one channel twice in a stereo result."""
    plays_mid: bool
    """Whether the decoder plays the mid, and not each channel."""
    at_s: float
    """Where the crossfade starts, in seconds of A; there B starts."""
    crossfade_s: float

    @property
    def start_frames(self) -> int:
        """Frames of A before the crossfade."""
        return round(self.at_s * self.encoder.space.frame_rate)

    @property
    def length_frames(self) -> int:
        """Frames of the crossfade."""
        end = round((self.at_s + self.crossfade_s) * self.encoder.space.frame_rate)
        return end - self.start_frames

    def crossfade(self, rate: float) -> Crossfade:
        """The crossfade of a stream with so many units a second."""
        frame_rate = self.encoder.space.frame_rate
        start = round(self.start_frames / frame_rate * rate)
        return Crossfade(start, round(self.length_frames / frame_rate * rate))


@dataclass(frozen=True)
class Moment:
    """A stretch of a piece, or of the blend."""

    heard: Heard
    reference_CT: Tensor
    """The waveform at the joint's sample rate."""


def blend(joint: Joint, first: AudioReader, second: AudioReader) -> Iterator[Moment]:
    """Hear two pieces as one.

    Args:
        joint: how they are joined.
        first: A, just opened.
        second: B, just opened.

    Yields:
        The blend, block by block, as an ear would hear it.

    Raises:
        UsageError: A ends before the crossfade does, or B is shorter than the crossfade.
        DecodeError: a piece broke off.
    """
    fader = _Fader(joint)
    for moment in _hear(joint, first):
        yield fader.each(Crossfade.push_first, moment)
        last = moment
        if fader.first_is_over:
            break
    else:
        fader.check_first(first)
        # the last frame may be longer than the samples that it was heard from
        yield fader.each(Crossfade.pad_first, last)
    for moment in _hear(joint, second):
        yield fader.each(Crossfade.push_second, moment)
    fader.check_second(second)


class _Fader:
    """The crossfades of all streams of a moment."""

    def __init__(self, joint: Joint) -> None:
        self._joint = joint
        self._wave = joint.crossfade(joint.encoder.sample_rate)
        self._reference = joint.crossfade(joint.sample_rate)
        num_voices = 1 if joint.plays_mid else joint.num_channels
        self._voices = [joint.crossfade(joint.encoder.space.frame_rate) for _ in range(num_voices)]

    @property
    def first_is_over(self) -> bool:
        # each runs ahead of the others by what its resampler or network looks ahead
        fades = (self._wave, self._reference, *self._voices)
        return all(fade.first_is_over for fade in fades)

    def each(self, step: Callable[[Crossfade, Tensor], Tensor], moment: Moment) -> Moment:
        """Take the same step with every stream of a moment."""
        heard = moment.heard
        voices = [
            step(fade, latent_CF)
            for fade, latent_CF in zip(self._voices, heard.sides + heard.mid, strict=True)
        ]
        sides, mid = ([], voices) if self._joint.plays_mid else (voices, [])
        return Moment(
            Heard(step(self._wave, heard.wav_CT), sides, mid),
            step(self._reference, moment.reference_CT),
        )

    def check_first(self, reader: AudioReader) -> None:
        if not self._voices[0].first_is_over:
            end_s = self._joint.at_s + self._joint.crossfade_s
            raise UsageError(
                f"The first piece ends after {_seconds(reader)}, before the crossfade does at "
                f"{end_s:g} s. Choose a smaller --at or --crossfade."
            )

    def check_second(self, reader: AudioReader) -> None:
        if not self._voices[0].second_is_faded_in:
            raise UsageError(
                f"The second piece ends after {_seconds(reader)}, before the crossfade of "
                f"{self._joint.crossfade_s:g} s is over. Choose a smaller --crossfade."
            )


def _hear(joint: Joint, reader: AudioReader) -> Iterator[Moment]:
    """One piece with the channels of the result, as its ear hears it."""
    channels, rate = joint.num_channels, reader.sample_rate
    mid = joint.plays_mid
    ear = Ear(joint.encoder, rate, channels, sides=not mid, mid=mid)
    streams = joint.encoder.streams()
    resampler = Resampler(rate, joint.sample_rate, channels)
    for block_TC in reader:
        wide_TC = np.repeat(block_TC, channels // reader.num_channels, axis=1)
        (heard,) = hear(streams, [(ear, wide_TC)])
        yield Moment(heard, _channels_first(resampler.push(wide_TC)))
    (heard,) = hear(streams, [(ear, None)])
    yield Moment(heard, _channels_first(resampler.finish()))


def _channels_first(block_TC: Block) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(block_TC.T))


def _seconds(reader: AudioReader) -> str:
    return f"{reader.num_samples / reader.sample_rate:.2f} s"
