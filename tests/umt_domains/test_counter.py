"""Counted random numbers: SplitMix64's own, wherever and in whatever pieces."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from umt_domains.counter import GOLDEN, UNIFORM_BITS, mix, uniform

WORD = (1 << 64) - 1


def slow_mix(x: int) -> int:
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & WORD
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & WORD
    return x ^ (x >> 31)


def slow_uniform(seed: int, key: int, position: int) -> float:
    counter = (position + 1) * 0x9E3779B97F4A7C15
    word = slow_mix((counter + slow_mix(slow_mix(seed & WORD) ^ (key & WORD))) & WORD)
    return ((word >> (64 - UNIFORM_BITS)) + 0.5) / 2**UNIFORM_BITS


def test_the_mixer_gives_the_published_outputs_of_splitmix64_for_seed_zero() -> None:
    words = [int(word) & WORD for word in mix(torch.arange(1, 4) * GOLDEN)]
    assert words == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@given(
    seed=st.integers(-(2**63), 2**63 - 1),
    key=st.integers(-(2**63), 2**63 - 1),
    first=st.integers(0, 2**50),
)
def test_uniforms_are_the_hash_in_whole_numbers(seed: int, key: int, first: int) -> None:
    assert uniform(seed, key, first, 3).tolist() == [
        slow_uniform(seed, key, first + i) for i in range(3)
    ]


def test_the_extremes_lie_strictly_between_0_and_1_even_after_rounding() -> None:
    largest = torch.tensor(((1 << UNIFORM_BITS) - 0.5) / (1 << UNIFORM_BITS))
    assert largest < 1
    for total in torch.linspace(0.5, 2, 1001):
        assert largest * total < total
    assert uniform(0, 0, 0, 100_000).min() > 0


def test_uniforms_are_even_and_unrelated_to_their_neighbours() -> None:
    u = uniform(3, 5, 0, 100_000).double()
    deviations = {
        "mean": (u.mean() - 0.5) / (12 * len(u)) ** -0.5,
        "variance": (u.var() - 1 / 12) / (180 * len(u)) ** -0.5,
        "next sample": ((u[1:] - 0.5) * (u[:-1] - 0.5)).mean() * 12 * len(u) ** 0.5,
    }
    for name, other in {
        "key": uniform(3, 6, 0, 100_000),
        "seed": uniform(4, 5, 0, 100_000),
    }.items():
        deviations[name] = ((u - 0.5) * (other - 0.5)).mean() * 12 * len(u) ** 0.5
    assert {k: round(float(v), 1) for k, v in deviations.items() if abs(v) > 5} == {}
