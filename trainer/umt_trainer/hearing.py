"""What a frozen encoder hears in the music that decoders are taught from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from umt_trainer.data import Recording
from umtcli.domain import Encoder
from umtcli.learning import Learning

HEARINGS = 3
"""How many times a decoder's music is heard: once clean, the others distorted."""


def hear(encoder: Encoder, wav_T: Tensor) -> Tensor:
    """The latents of a whole waveform, (C, F)."""
    streams = encoder.streams()
    stream = streams.open()
    start = streams.push({stream: wav_T})[stream]
    return torch.cat([start, streams.finish([stream])[stream]], dim=-1)


def heard(
    recording: Recording,
    number: int,
    encoder: Encoder,
    learning: Learning,
    seed: int,
    hearings: int = HEARINGS,
) -> Recording:
    """A recording with what the encoder hears in it: clean, and through distortions.

    A decoder that only ever saw one hearing would learn the recording's own traces in the
    latents, which no other instrument leaves there.

    Args:
        recording: music of the domain.
        number: of the recording; with the seed it keys the distortions.
        encoder: the frozen one.
        learning: of the family, which distorts.
        seed: of the run.
        hearings: how many in all.
    """
    wav_T = torch.from_numpy(recording.wav[:].astype(np.float32) / 32768)
    clean_CF = hear(encoder, wav_T)
    latents = [clean_CF]
    for k in range(1, hearings):
        again_T = learning.rehear(wav_T, seed, number * HEARINGS + k)
        latents.append(learning.teachable(hear(encoder, again_T), clean_CF))
    return replace(recording, latents=tuple(x.numpy().astype(np.float16) for x in latents))
