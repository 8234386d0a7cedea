"""Noise that belongs to a place in the music: the same in any pieces, batch or order."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from umt_domains.counter import GOLDEN, mix, stream_code


def random_phases(seed: int, key: int, frames_F: Tensor, bins_N: Tensor) -> Tensor:
    """Uniform phases in [0, 2π) for each frame and bin.

    Args:
        seed: of the run.
        key: of the stream.
        frames_F: absolute frame numbers, int64.
        bins_N: numbers of the bins, int64: the same number has the same phases.

    Shape:
        returns: (F, N), float32
    """
    stream = stream_code(seed, key, frames_F.device)
    counter = (mix(frames_F ^ stream)[:, None] + bins_N) * GOLDEN
    return (mix(counter) >> 40).bitwise_and(0xFFFFFF).float() * (2 * math.pi / 2**24)


def wandering(seed: int, key: int, frames_F: Tensor, bins_N: Tensor, hold: int) -> Tensor:
    """Complex noise that takes `hold` frames from one random value to the next.

    The values are of magnitude one, and what lies between two of them on the line that
    joins them: a mean power of 2/3.

    Args:
        seed: of the run.
        key: of the stream.
        frames_F: consecutive absolute frame numbers, int64.
        bins_N: numbers of the bins, int64.
        hold: frames from value to value.

    Shape:
        returns: (F, N), complex64
    """
    first, last = int(frames_F[0]) // hold, int(frames_F[-1]) // hold + 1
    knots = torch.arange(first, last + 1, device=frames_F.device)
    phase = random_phases(seed, key, knots, bins_N)
    value = torch.polar(torch.ones_like(phase), phase)
    place = frames_F.div(hold, rounding_mode="floor") - first
    share = (frames_F.remainder(hold).float() / hold)[:, None]
    return torch.lerp(value[place], value[place + 1], share.to(value.dtype))
