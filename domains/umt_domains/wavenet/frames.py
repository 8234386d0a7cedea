"""Blocks of several streams, played frame by frame.

C latent channels, F latent frames, T samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Play = Callable[[Mapping[int, Tensor]], Mapping[int, Tensor]]
"""One frame of some streams: latents (C,) in, waveforms (T,) out."""


def frame_by_frame(blocks: Mapping[int, Tensor], play: Play) -> dict[int, Tensor]:
    """Play the streams together; those with shorter blocks end before the others.

    Args:
        blocks: latents of at least one stream, (C, F); each has its own F.
        play: takes the frames that come next.

    Shape:
        returns: (F · hop,) for each stream
    """
    played = {stream_id: [torch.zeros(0)] for stream_id in blocks}
    for frame in range(max(block_CF.shape[-1] for block_CF in blocks.values())):
        latents = {i: m[:, frame] for i, m in blocks.items() if frame < m.shape[-1]}
        for stream_id, wav_T in play(latents).items():
            played[stream_id].append(wav_T)
    return {stream_id: torch.cat(wavs) for stream_id, wavs in played.items()}
