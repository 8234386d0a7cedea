"""Noise that belongs to a place in the music: the same in any pieces, batch or order."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from umt_domains.counter import GOLDEN, mix, stream_code


def random_phases(seed: int, key: int, frames_F: Tensor, num_bins: int) -> Tensor:
    """Uniform phases in [0, 2π) for each frame and bin.

    Args:
        seed: of the run.
        key: of the stream.
        frames_F: absolute frame numbers, int64.
        num_bins: phases per frame.

    Shape:
        returns: (F, num_bins), float32
    """
    stream = stream_code(seed, key, frames_F.device)
    bins = torch.arange(num_bins, device=frames_F.device)
    counter = (mix(frames_F ^ stream)[:, None] + bins) * GOLDEN
    return (mix(counter) >> 40).bitwise_and(0xFFFFFF).float() * (2 * math.pi / 2**24)
