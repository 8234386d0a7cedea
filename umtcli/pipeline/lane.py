"""One output in the making: latents in, audio into a sink.

    latents ─▶ decoder ─▶ stereo image ─▶ resample ─▶ exact length ─▶ sink

C channels of the file, T samples.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from umtcli.domain import Decoder
from umtcli.errors import PluginError
from umtcli.media import Resampler
from umtcli.pipeline.ear import Heard
from umtcli.pipeline.length import ExactLength
from umtcli.pipeline.stereo import StereoKeeper
from umtcli.pipeline.voices import Voices


class Sink(Protocol):
    """Takes what was played, at the output's rate."""

    def write(self, block_TC: NDArray[np.float32]) -> None:
        """Take the next block, float32 (T, C)."""


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
        seed: int,
    ) -> None:
        """Start playing.

        Args:
            decoder: shared with other files.
            sink: where the audio goes.
            num_channels: of the file, 1 or 2; the output has as many.
            rate_in: sample rate of the file, in Hz.
            rate_heard: sample rate at which the encoder hears it, in Hz.
            rate_out: sample rate of the output, in Hz.
            seed: keys the decoder's randomness.
        """
        self._sink = sink
        self._num_channels = num_channels
        self._mid_only = plays_mid(decoder, num_channels)
        self._voices = Voices(decoder.streams(seed), 1 if self._mid_only else num_channels)
        self._stereo = StereoKeeper(rate_heard, decoder.sample_rate) if num_channels == 2 else None
        self._resampler = Resampler(decoder.sample_rate, rate_out, num_channels)
        self._length = ExactLength(rate_in, rate_out, num_channels)

    def push(self, heard: Heard, num_heard: int) -> None:
        """Play what was heard since the last call.

        Args:
            heard: from the ear of the decoder's latent space.
            num_heard: samples heard so far, at the file's rate.
        """
        played_CT = self._play(heard)
        if self._stereo:
            played_CT = self._stereo.push(heard.wav_CT, played_CT)
        self._send(self._length.push(self._resampler.push(_channels_last(played_CT)), num_heard))

    def finish(self, heard: Heard, num_heard: int) -> None:
        """Play the end: the file had `num_heard` samples in all."""
        played_CT = self._play(heard)
        played_CT = torch.cat([played_CT, self._stack(self._voices.finish())], dim=1)
        if self._stereo:
            played_CT = torch.cat(
                [self._stereo.push(heard.wav_CT, played_CT), self._stereo.finish()], dim=1
            )
        played_TC = np.concatenate(
            [self._resampler.push(_channels_last(played_CT)), self._resampler.finish()]
        )
        self._send(self._length.push(played_TC, num_heard))
        self._send(self._length.finish(num_heard))

    def _play(self, heard: Heard) -> Tensor:
        return self._stack(self._voices.push(heard.mid if self._mid_only else heard.sides))

    def _stack(self, voices: list[Tensor]) -> Tensor:
        """One row a channel of the file, on the CPU; a mid is both channels until panned."""
        played_CT = torch.stack([voice.to("cpu", torch.float32) for voice in voices])
        if not torch.isfinite(played_CT).all():
            raise PluginError("The decoder played something that is not a number.")
        return played_CT.expand(self._num_channels, -1)

    def _send(self, block_TC: NDArray[np.float32]) -> None:
        if len(block_TC):
            self._sink.write(block_TC)


def plays_mid(decoder: Decoder, num_channels: int) -> bool:
    """Whether a decoder plays the mid of such a file instead of each channel."""
    return decoder.mid_only and num_channels > 1


def _channels_last(wav_CT: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(wav_CT.numpy().T)
