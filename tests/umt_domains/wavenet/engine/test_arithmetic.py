"""Exponentials and gates, against float64."""

from __future__ import annotations

import numpy as np
import pytest

from rounded import as_floats, dequantized
from umt_domains.wavenet.engine.arithmetic import COARSE, FINE, exponential, gate
from umt_domains.wavenet.engine.rounding import halve, quantize

SIZE = 804
"""A multiple of what words of int8 hold."""


@pytest.mark.parametrize(("degree", "nearness"), [(FINE, 4e-6), (COARSE, 7e-5)])
def test_exponentials_are_as_near_as_they_say(degree: int, nearness: float) -> None:
    for x in np.linspace(-40, 30, 20_001, dtype=np.float32):
        assert abs(exponential(x, degree) / np.exp(float(x)) - 1) < nearness


def gates(degree: int) -> tuple[np.ndarray, np.ndarray]:
    """σ(g)·tanh(f) of sums of all sizes, and the same in float64."""
    g = np.append(np.linspace(-40, 40, SIZE - 3), (0.1, 1, 10))
    a_NM = np.stack(np.meshgrid(g, g), axis=-1).swapaxes(0, 1).astype(np.float32)
    a_NM = np.concatenate([a_NM[..., 0], 2 * a_NM[..., 1]], axis=1)
    exact = a_NM.astype(float)
    h_NR = np.empty((SIZE, SIZE), np.float32)
    gate(a_NM, h_NR, degree)
    return h_NR, 1 / (1 + np.exp(-exact[:, :SIZE])) * np.tanh(exact[:, SIZE:] / 2)


def test_gates_are_right_to_the_last_bits_of_one() -> None:
    h_NR, wanted = gates(FINE)
    assert np.abs(h_NR - wanted).max() < 3e-7


def test_coarse_gates_are_right_to_the_last_bit_of_bfloat16() -> None:
    h_NR, wanted = gates(COARSE)
    words = np.empty(SIZE * SIZE // 2, np.int32)
    halve(h_NR, SIZE, words)
    # half of the last of eight bits, and a tenth of that for the coarse exponentials
    bound = 1.1 * 2**-8 * np.abs(wanted) + 1e-12
    assert (np.abs(as_floats(words).reshape(SIZE, SIZE) - wanted) <= bound).all()


def test_coarse_gates_are_right_to_a_half_of_a_127th() -> None:
    h_NR, wanted = gates(COARSE)
    words = np.empty(SIZE * (SIZE // 4 + 1), np.int32)
    quantize(h_NR, SIZE, words)
    assert np.abs(dequantized(words, SIZE) - wanted).max() < 1.01 * 0.5 / 127
