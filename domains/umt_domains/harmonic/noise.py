"""Random numbers that belong to a place in the music, not to a moment of the program.

A hash of (seed, key, frame, bin) gives the same number whatever was computed before, in
whatever pieces, batch or order.

Source: counter-based generators, Salmon et al., Parallel Random Numbers: As Easy as
1, 2, 3 (2011); the mixer is the finalizer of SplitMix64 (Steele et al., 2014).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


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
    stream = _mix(_mix(torch.tensor(seed, device=frames_F.device)) ^ key)
    bins = torch.arange(num_bins, device=frames_F.device)
    counter = (_mix(frames_F ^ stream)[:, None] + bins) * _signed(0x9E3779B97F4A7C15)
    return (_mix(counter) >> 40).bitwise_and(0xFFFFFF).float() * (2 * math.pi / 2**24)


def _mix(x: Tensor) -> Tensor:
    """Spread 64 bits so that neighbouring counters look unrelated."""
    x = (x ^ _shifted(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shifted(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    # torch has no unsigned 64-bit shift: clear the copies of the sign bit
    return (x >> bits).bitwise_and((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    return word - (1 << 64) if word >= 1 << 63 else word
