"""The output has exactly the length of the input, however the network's frames fall."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from umtcli.pipeline.length import ExactLength


@given(
    blocks=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 700)), max_size=8),
    rates=st.sampled_from([(8_000, 44_100), (44_100, 16_000), (48_000, 48_000), (44_100, 48_000)]),
)
def test_the_sum_is_exact_and_nothing_is_ahead_of_the_input(
    blocks: list[tuple[int, int]], rates: tuple[int, int]
) -> None:
    rate_in, rate_out = rates
    length = ExactLength(rate_in, rate_out, 1)
    heard, given_out = 0, []
    played = np.arange(1, sum(n for _, n in blocks) + 1, dtype=np.float32)[:, None]
    position = 0
    for num_in, num_out in blocks:
        heard += num_in
        given_out.append(length.push(played[position : position + num_out], heard))
        position += num_out
        assert sum(map(len, given_out)) <= round(heard * rate_out / rate_in)
    out = np.concatenate([*given_out, length.finish(heard)])
    wanted = round(heard * rate_out / rate_in)
    assert len(out) == wanted
    kept = min(wanted, len(played))
    assert np.array_equal(out[:kept], played[:kept])
    assert not out[kept:].any()
