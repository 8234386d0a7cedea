import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from starter.rubato import MOST, rubato


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 120.0))
def test_time_stretches_but_keeps_order_beginning_and_end(seed, duration_s):
    stretch = rubato(random.Random(seed), duration_s)
    times = [stretch(duration_s * k / 200) for k in range(201)]
    assert times[0] == 0
    assert abs(times[-1] - duration_s) < 1e-6
    paces = [(after - before) * 200 / duration_s for before, after in pairwise(times)]
    assert all(0 < pace < 2.718281828 ** (2 * MOST) + 1e-6 for pace in paces)
    if duration_s > 20:
        assert max(paces) > 1.02 > 0.98 > min(paces)
