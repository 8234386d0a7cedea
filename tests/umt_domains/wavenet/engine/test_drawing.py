"""Draws, against the slow reference."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from umt_domains.wavenet.engine.drawing import choose
from wavenet_reference import DRAWN, choices_in_float32


@given(**DRAWN)
def test_a_draw_is_that_of_the_slow_reference(
    seed: int, place: int, temperature: float, top_p: float
) -> None:
    logits_Q = (2 * np.random.default_rng(seed).standard_normal(256)).astype(np.float32)
    wanted = choices_in_float32(logits_Q.astype(float), place / 10_000, temperature, top_p)
    assert choose(logits_Q, np.float32(place / 10_000), temperature, top_p) in wanted


def test_impossible_classes_are_not_drawn_even_at_the_ends() -> None:
    for uniform in (2**-23, 1 - 2**-23):
        for seed in range(64):
            logits_Q = np.random.default_rng(seed).standard_normal(256).astype(np.float32)
            logits_Q[:3] = logits_Q[-3:] = -1e30
            assert 3 <= choose(logits_Q, np.float32(uniform), 1.0, 1.0) <= 252
