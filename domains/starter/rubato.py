"""Time that stretches: a tempo that hurries and hesitates through a whole piece."""

import math
import random
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

SLOWEST_TURN_S, FASTEST_TURN_S = 4.0, 1.5
"""How long one tempo is kept."""
MOST = 0.18
"""Of the logarithm of the tempo: from 16 % slower to 20 % faster."""


def rubato(rng: random.Random, duration_s: float) -> Callable[[float], float]:
    """Draw a map of times that keeps the beginning, the order and the end of a piece.

    >>> stretch = rubato(random.Random(1), 10.0)
    >>> stretch(0.0), round(stretch(10.0), 6)
    (0.0, 10.0)
    """
    lengths_s: list[float] = []
    while sum(lengths_s) < duration_s:
        lengths_s.append(rng.uniform(FASTEST_TURN_S, SLOWEST_TURN_S))
    lengths_s[-1] -= sum(lengths_s) - duration_s
    paces = [math.exp(rng.uniform(-MOST, MOST)) for _ in lengths_s]
    played_s = [length_s / pace for length_s, pace in zip(lengths_s, paces, strict=True)]
    scale = duration_s / sum(played_s)
    beats = [0.0, *accumulate(lengths_s)]
    times = [0.0, *accumulate(scale * part_s for part_s in played_s)]

    def stretch(time_s: float) -> float:
        turn = min(len(paces) - 1, max(0, bisect_right(beats, time_s) - 1))
        return times[turn] + (time_s - beats[turn]) * scale / paces[turn]

    return stretch
