"""A crossfade is a straight line between two streams, whatever the pieces."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from umtcli.pipeline.crossfade import Crossfade


def reference(first_CF: Tensor, second_CF: Tensor, start: int, length: int) -> Tensor:
    """Unit by unit, as the definition says."""
    out = [first_CF[:, unit] for unit in range(start)]
    for unit in range(second_CF.shape[1]):
        weight = unit / length if unit < length else 1.0
        old = first_CF[:, start + unit] if weight < 1 else 0 * second_CF[:, unit]
        out.append((1 - weight) * old + weight * second_CF[:, unit])
    return torch.stack(out, dim=1) if out else first_CF[:, :0]


def join(first: Tensor, second: Tensor, fade: Crossfade, step: int) -> Tensor:
    pieces = [fade.push_first(block) for block in first.split(step, -1)]
    assert fade.first_is_over
    pieces += [fade.push_second(block) for block in second.split(step, -1)]
    return torch.cat(pieces, dim=-1)


def ramp(length: int, offset: float) -> Tensor:
    return torch.stack([offset + torch.arange(length).float(), torch.full((length,), offset)])


@given(
    start=st.integers(0, 20),
    length=st.integers(0, 20),
    more=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    step=st.integers(1, 45),
)
def test_any_pieces_give_the_straight_line(
    start: int, length: int, more: tuple[int, int], step: int
) -> None:
    first_CF = ramp(start + length + more[0], 100.0)
    second_CF = ramp(length + more[1], -7.0)
    joined_CF = join(first_CF, second_CF, Crossfade(start, length), step)
    assert joined_CF.shape[1] == start + second_CF.shape[1]
    torch.testing.assert_close(joined_CF, reference(first_CF, second_CF, start, length))


def test_outside_the_crossfade_nothing_is_changed() -> None:
    first_CF, second_CF = torch.rand(2, 50), torch.rand(2, 60)
    joined_CF = join(first_CF, second_CF, Crossfade(20, 10), 7)
    assert torch.equal(joined_CF[:, :20], first_CF[:, :20])
    assert torch.equal(joined_CF[:, 20], first_CF[:, 20])
    assert torch.equal(joined_CF[:, 30:], second_CF[:, 10:])


def test_what_the_first_stream_lacks_is_filled_with_zeros() -> None:
    fade = Crossfade(5, 4)
    before_T = torch.cat([fade.push_first(torch.ones(3)), fade.pad_first(torch.ones(3))])
    assert before_T.tolist() == [1, 1, 1, 0, 0]
    assert fade.push_second(torch.ones(6)).tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1])


def test_it_tells_when_the_second_stream_is_alone() -> None:
    fade = Crossfade(0, 4)
    fade.push_first(torch.ones(4))
    fade.push_second(torch.ones(3))
    assert not fade.second_is_faded_in
    fade.push_second(torch.ones(1))
    assert fade.second_is_faded_in
