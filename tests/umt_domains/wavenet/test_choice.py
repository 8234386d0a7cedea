"""Classes are drawn by inverting the running sum of their chances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from torch import Tensor

from umt_domains.wavenet.choice import Choice
from wavenet_reference import DRAWN, choices_in_float32


def draw(choice: Choice, logits_NQ: Tensor, uniform_N: Tensor) -> Tensor:
    out = torch.full((len(logits_NQ), 1), -1)
    choice.draw(logits_NQ.clone(), uniform_N[:, None], out)
    return out[:, 0]


def logits(seed: int = 0, spread: float = 2.0) -> Tensor:
    return spread * torch.randn(256, generator=torch.Generator().manual_seed(seed))


@given(**DRAWN)
def test_a_draw_is_that_of_the_slow_reference(
    seed: int, place: int, temperature: float, top_p: float
) -> None:
    row, uniform = logits(seed), place / 10_000
    (got,) = draw(Choice(temperature, top_p), row[None], torch.tensor([uniform])).tolist()
    assert got in choices_in_float32(row.double().numpy(), uniform, temperature, top_p)


def test_evenly_spread_numbers_draw_each_class_by_its_chance() -> None:
    uniform = (torch.arange(20_000) + 0.5) / 20_000
    drawn = draw(Choice(), logits().expand(20_000, -1), uniform)
    share = np.bincount(drawn.numpy(), minlength=256) / 20_000
    np.testing.assert_allclose(share, logits().softmax(0).numpy(), atol=1.5 / 20_000)


@pytest.mark.parametrize("end", [2**-23, 1 - 2**-23])
def test_impossible_classes_are_not_drawn_even_at_the_ends(end: float) -> None:
    row = logits().repeat(64, 1) + torch.randn(64, 1, generator=torch.Generator().manual_seed(1))
    row[:, :3] = row[:, -3:] = -1e30
    drawn = draw(Choice(), row, torch.full((64,), end))
    assert drawn.min() >= 3
    assert drawn.max() <= 252


def test_top_p_keeps_the_smallest_set_that_reaches_it() -> None:
    row = torch.full((256,), -torch.inf)
    row[[10, 20, 30]] = torch.tensor([0.25, 0.5, 0.25]).log()
    uniform = (torch.arange(100) + 0.5) / 100
    drawn = {
        top_p: set(draw(Choice(1.0, top_p), row.expand(100, -1), uniform).tolist())
        for top_p in (0.0, 0.49, 0.51, 0.74, 0.76, 1.0)
    }
    assert drawn[0.0] == drawn[0.49] == {20}
    assert drawn[0.51] == drawn[0.74] == {10, 20}
    assert drawn[0.76] == drawn[1.0] == {10, 20, 30}


def test_almost_no_temperature_is_greedy_and_does_not_overflow() -> None:
    row = logits()
    for temperature in (0.0, 1e-38, 1e-4, 2e-3):
        drawn = draw(Choice(temperature), row[None], torch.tensor([0.99]))
        assert drawn.item() == row.argmax()


def test_guidance_amplifies_what_latents_change() -> None:
    """Alone the told row would draw 10; what 20 gained by the latents decides."""
    told, untold = torch.zeros(2, 256), torch.zeros(2, 256)
    told[:, 10], told[:, 20] = 5.0, 4.0
    untold[:, 10], untold[:, 20] = 5.0, 2.0
    rows, uniform = torch.cat([told, untold]), torch.full((4,), 0.5)
    assert draw(Choice(0.0, guidance=0.0), told, uniform[:2]).tolist() == [10, 10]
    assert draw(Choice(0.0, guidance=0.4), rows, uniform).tolist() == [10] * 4
    assert draw(Choice(0.0, guidance=0.6), rows, uniform).tolist() == [20] * 4


def test_guidance_draws_nothing_that_the_told_row_thinks_unlikely() -> None:
    """In silence each row is sure of it; 30 is what the other would never play."""
    told, untold = torch.zeros(1, 256), torch.zeros(1, 256)
    told[:, 128], untold[:, 128], untold[:, 30] = 8.0, 8.0, -40.0
    rows, uniform = torch.cat([told, untold]), (torch.arange(2) + 0.5) / 2
    assert draw(Choice(guidance=1.0), rows, uniform).tolist() == [128, 128]
