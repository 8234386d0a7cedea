"""Random numbers that belong to a place in the music, not to a moment of the program.

A hash of (seed, key, position) gives the same number whatever was computed before, in
whatever pieces, batch or order.

Source: counter-based generators, Salmon et al., Parallel Random Numbers: As Easy as
1, 2, 3 (2011); the mixer and its increment are SplitMix64's (Steele et al., 2014).
"""

from __future__ import annotations

import torch
from torch import Tensor

UNIFORM_BITS = 22
"""Of a uniform number, before the half step that keeps it off both ends. With no more, the
largest is 1 − 2⁻²³: its product with any float32 still rounds to less than that float32."""


def uniform(seed: int, key: int, first: int, count: int) -> Tensor:
    """Uniform numbers strictly between 0 and 1, for consecutive positions of a stream.

    Args:
        seed: of the run.
        key: of the stream.
        first: absolute position of the first number, at least 0.
        count: how many.

    Shape:
        returns: (count,), float32

    >>> torch.equal(uniform(1, 2, 0, 9)[5:], uniform(1, 2, 5, 4))
    True
    """
    # positions count from one: the mixer maps zero to zero
    counter = torch.arange(first + 1, first + 1 + count) * GOLDEN
    bits = mix(counter + stream_code(seed, key)) >> (64 - UNIFORM_BITS)
    return (bits.bitwise_and((1 << UNIFORM_BITS) - 1).float() + 0.5) / (1 << UNIFORM_BITS)


def stream_code(seed: int, key: int, device: torch.device | None = None) -> Tensor:
    """One 64-bit word for a stream of a run: int64 ()."""
    return mix(mix(torch.tensor(seed, device=device)) ^ key)


def mix(x: Tensor) -> Tensor:
    """Spread 64 bits (int64) so that neighbouring counters look unrelated; 0 stays 0."""
    x = (x ^ _shifted(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shifted(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    # torch has no unsigned 64-bit shift: clear the copies of the sign bit
    return (x >> bits).bitwise_and((1 << (64 - bits)) - 1)


def _signed(word: int) -> int:
    return word - (1 << 64) if word >= 1 << 63 else word


GOLDEN = _signed(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: steps that fill the range of a counter evenly."""
