"""Numbers are rounded to the nearest of bfloat16 and int8."""

from __future__ import annotations

import numpy as np
import pytest

from rounded import as_floats, dequantized
from umt_domains.wavenet.engine.rounding import halve, quantize


def test_bfloat16_is_the_nearest_and_of_two_the_even() -> None:
    one, step = 1.0, 2.0**-7
    values = np.array(
        [[one, one + 0.4 * step, one + 0.5 * step, one + 0.6 * step, one + 1.5 * step, -3.0]],
        np.float32,
    )
    words = np.empty(3, np.int32)
    halve(values, 6, words)
    assert as_floats(words).tolist() == [one, one, one, one + step, one + 2 * step, -3.0]


def test_int8_is_the_nearest_by_the_largest_of_a_row() -> None:
    generator = np.random.default_rng(7)
    rows = generator.standard_normal((5, 24)).astype(np.float32)
    rows *= np.array([[1], [1e-20], [1e20], [0], [1]], np.float32)
    rows[4] = [-3] + [1] * 23  # the largest is negative
    words = np.empty(5 * 5, np.int32)
    quantize(rows, 16, words)
    largest = np.abs(rows[:, :16]).max(axis=1, keepdims=True)
    assert (np.abs(dequantized(words, 16) - rows[:, :16]) <= 1.001 * largest / 254).all()
    assert dequantized(words, 16)[4].min() == pytest.approx(-3)
