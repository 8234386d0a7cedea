"""Plays latents through a decoder's streams for files, to the end of what they owe."""

from __future__ import annotations

import torch
from torch import Tensor

from umtcli.domain import Streams
from umtcli.pipeline.voices import Turn, Voices, advance


def patiently(streams: Streams, latents_CF: Tensor) -> Tensor:
    """All that comes of (C, F) latents, (T,)."""
    voices = Voices(1)
    ((ready,),) = advance(streams, [Turn(voices, [latents_CF], last=True)])
    played = [ready]
    while voices.ids:
        ((ready,),) = advance(streams, [Turn(voices, [latents_CF[:, :0]], last=True)])
        played.append(ready)
    return torch.cat(played)
