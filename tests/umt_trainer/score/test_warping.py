"""Dynamic time warping against the recursion written out."""

from __future__ import annotations

import numpy as np
import pytest

from umt_trainer.score.warping import cheapest_way


def by_recursion(cost: np.ndarray) -> float:
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for i in range(rows):
        for j in range(columns):
            c = cost[i, j]
            total[i + 1, j + 1] = min(total[i, j + 1] + c, total[i + 1, j] + c, total[i, j] + 2 * c)
    return float(total[-1, -1] / (rows + columns))


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (7, 12), (12, 7), (1, 9)])
def test_the_cheapest_way_is_that_of_the_recursion(shape: tuple[int, int]) -> None:
    cost = np.random.default_rng(1).uniform(0, 1, shape)
    found = cheapest_way(*shape, lambda i, j: cost[i, j], band=100)
    assert found == pytest.approx(by_recursion(cost))


def test_a_way_may_not_leave_its_band() -> None:
    cost = np.ones((20, 20))
    cost[:, 0] = cost[19, :] = 0  # free, along the edge
    assert cheapest_way(20, 20, lambda i, j: cost[i, j], band=40) < 0.05
    i, j = np.indices(cost.shape)
    banded = by_recursion(np.where(np.abs(i - j) <= 2, cost, np.inf))
    assert cheapest_way(20, 20, lambda i, j: cost[i, j], band=2) == pytest.approx(banded)
    assert banded > 0.5


def test_nothing_costs_nothing() -> None:
    assert cheapest_way(0, 5, lambda i, j: np.ones(len(i)), band=3) == 0
