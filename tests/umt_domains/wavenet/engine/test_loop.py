"""The parts of the engine's loop, against float64 and the slow reference."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from umt_domains.wavenet.engine import loop, plain
from umt_domains.wavenet.engine.loop import (
    COARSE,
    FINE,
    choose,
    exponential,
    gate,
    gate_halved,
    gate_quantized,
    halve,
    quantize,
)
from wavenet_reference import choices_in_float32


def test_compiled_code_takes_nothing_from_files_whose_changes_numba_does_not_see() -> None:
    tree = ast.parse(Path(loop.__file__).read_text(encoding="utf-8"))
    imported = [
        (node.module, [alias.name for alias in node.names])
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("umt")
    ]
    assert imported == [("umt_domains.wavenet.engine.compiling", ["compiled"])]
    assert plain.PLAIN.width == plain.WIDTH


@pytest.mark.parametrize(("degree", "nearness"), [(FINE, 4e-6), (COARSE, 7e-5)])
def test_exponentials_are_as_near_as_they_say(degree: int, nearness: float) -> None:
    for x in np.linspace(-40, 30, 20_001, dtype=np.float32):
        assert abs(exponential(x, degree) / np.exp(float(x)) - 1) < nearness


def gates() -> tuple[np.ndarray, np.ndarray]:
    """Sums of all sizes, −g and −2f, and σ(g)·tanh(f) in float64."""
    g = np.append(np.linspace(-40, 40, 801), (0.1, 1, 10))
    a_NM = np.stack(np.meshgrid(g, g), axis=-1).swapaxes(0, 1).astype(np.float32)
    a_NM = np.concatenate([a_NM[..., 0], 2 * a_NM[..., 1]], axis=1)
    exact = a_NM.astype(float)
    return a_NM, 1 / (1 + np.exp(-exact[:, :804])) * np.tanh(exact[:, 804:] / 2)


def test_gates_are_right_to_the_last_bits_of_one() -> None:
    a_NM, wanted = gates()
    h_NR = np.empty((804, 804), np.float32)
    gate(a_NM, h_NR)
    assert np.abs(h_NR - wanted).max() < 3e-7


def test_halved_gates_are_right_to_the_last_bit_of_bfloat16() -> None:
    a_NM, wanted = gates()
    words = np.empty(804 * 804, np.int32)
    gate_halved(a_NM, 804, words)
    h_NR = (
        (words.view(np.uint16)[: 804 * 804].astype(np.uint32) << 16)
        .view(np.float32)
        .reshape(804, 804)
    )
    # half of the last of eight bits, and a tenth of that for the coarse exponentials
    assert (np.abs(h_NR - wanted) <= 1.1 * 2**-8 * np.abs(wanted) + 1e-12).all()


def dequantized(words: np.ndarray, channels: int) -> np.ndarray:
    """Rows of int8 in float64, each by the scale at its end."""
    rows = words.reshape(-1, channels // 4 + 1)
    numbers = rows.view(np.uint8)[:, :channels].astype(float) - 128
    return numbers * rows.view(np.float32)[:, -1:]


def test_quantized_gates_are_right_to_a_half_of_a_127th() -> None:
    a_NM, wanted = gates()
    words = np.empty(804 * 202, np.int32)
    gate_quantized(a_NM, 804, words)
    assert np.abs(dequantized(words, 804) - wanted).max() < 1.01 * 0.5 / 127


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


@given(
    seed=st.integers(0, 2**31),
    uniform=st.integers(100, 9_900),
    temperature=st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    top_p=st.sampled_from([0.0, 0.4, 0.9, 1.0]),
)
def test_a_draw_is_that_of_the_slow_reference(
    seed: int, uniform: int, temperature: float, top_p: float
) -> None:
    logits_Q = (2 * np.random.default_rng(seed).standard_normal(256)).astype(np.float32)
    wanted = choices_in_float32(logits_Q.astype(float), uniform / 10_000, temperature, top_p)
    assert choose(logits_Q, np.float32(uniform / 10_000), temperature, top_p) in wanted


def test_impossible_classes_are_not_drawn_even_at_the_ends() -> None:
    for uniform in (2**-23, 1 - 2**-23):
        for seed in range(64):
            logits_Q = np.random.default_rng(seed).standard_normal(256).astype(np.float32)
            logits_Q[:3] = logits_Q[-3:] = -1e30
            assert 3 <= choose(logits_Q, np.float32(uniform), 1.0, 1.0) <= 252


def test_bfloat16_is_the_nearest_and_of_two_the_even() -> None:
    one, step = 1.0, 2.0**-7
    values = np.array(
        [[one, one + 0.4 * step, one + 0.5 * step, one + 0.6 * step, one + 1.5 * step, -3.0]],
        np.float32,
    )
    words = np.empty(3, np.int32)
    halve(values, 6, words)
    as_floats = (words.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    assert as_floats.tolist() == [one, one, one, one + step, one + 2 * step, -3.0]
