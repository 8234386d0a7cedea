"""Dynamic time warping: how well one sequence fits another that may run faster or slower."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


def cheapest_way(
    num_one: int, num_other: int, costs: Callable[[Indices, Indices], Array], band: int
) -> float:
    """Mean cost of the cheapest way through two sequences at once.

    A step in both counts twice, so that all ways have the same length, F + F′.

        D[i, j] = min(D[i − 1, j] + c, D[i, j − 1] + c, D[i − 1, j − 1] + 2c)

    Args:
        num_one: frames of one, F.
        num_other: frames of the other, F′.
        costs: of some frames of one beside as many of the other.
        band: frames by which a way may stray from the diagonal.

    Returns:
        0 if a sequence is empty.

    Source: Sakoe, Chiba, Dynamic programming algorithm optimization for spoken word
    recognition (1978), symmetric form.
    """
    if not num_one or not num_other:
        return 0.0
    reach = band + abs(num_one - num_other)
    # anti-diagonals: all cells of one depend on the two before it alone; cell i lies at i + 1
    before = np.full(num_one + 1, np.inf)
    last = np.full(num_one + 1, np.inf)
    for diagonal in range(num_one + num_other - 1):
        first = max(0, diagonal - num_other + 1, (diagonal - reach + 1) // 2)
        end = min(num_one, diagonal + 1, (diagonal + reach) // 2 + 1)
        i = np.arange(first, end)
        cost = costs(i, diagonal - i)
        new = np.full(num_one + 1, np.inf)
        if diagonal == 0:
            new[1] = 2 * cost[0]
        else:
            straight = np.minimum(last[i], last[i + 1])
            new[i + 1] = np.minimum(straight + cost, before[i] + 2 * cost)
        before, last = last, new
    return float(last[num_one] / (num_one + num_other))
