"""Streams made of fixed windows: however a stream is cut, its windows are the same."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from umtcli.errors import PluginError
from umtcli.pipeline.windows import WindowedStreams

BEFORE, AFTER, STEP = 5, 3, 8


def moving_sum(window: Tensor, start: int, key: int) -> Tensor:
    """Each unit summed with its context, tagged by place and key."""
    middle = window.shape[-1] - BEFORE - AFTER
    sums = [window[..., i : i + BEFORE + AFTER + 1].sum(-1) for i in range(middle)]
    places = 1000 * (start + torch.arange(middle)) + 100_000 * key
    return torch.stack(sums, -1) + places


def streams() -> WindowedStreams:
    return WindowedStreams(moving_sum, step=STEP, before=BEFORE, after=AFTER, ratio=Fraction(1))


def slow_reference(signal: Tensor, key: int) -> Tensor:
    result = []
    for i in range(len(signal)):
        near = signal[max(0, i - BEFORE) : i + AFTER + 1]
        result.append(float(near.sum()) + 1000 * i + 100_000 * key)
    return torch.tensor(result)


def pushed(cuts: list[int], signal: Tensor, key: int) -> Tensor:
    machine = streams()
    stream = machine.open(key)
    out = [machine.push({stream: piece})[stream] for piece in signal.split(cuts)]
    return torch.cat([*out, machine.finish([stream])[stream]])


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8), st.integers(0, 3))
def test_any_pieces_give_what_a_direct_loop_gives(cuts: list[int], key: int) -> None:
    signal = torch.randint(-9, 9, (sum(cuts),)).float()
    assert torch.equal(pushed(cuts, signal, key), slow_reference(signal, key))


def test_output_appears_as_soon_as_a_window_and_its_lookahead_are_there() -> None:
    machine = streams()
    stream = machine.open()
    assert len(machine.push({stream: torch.ones(STEP + AFTER - 1)})[stream]) == 0
    assert len(machine.push({stream: torch.ones(1)})[stream]) == STEP


def test_streams_come_and_go_independently() -> None:
    machine = streams()
    first = machine.open(1)
    machine.push({first: torch.arange(10.0)})
    second = machine.open(2)
    machine.push({first: torch.arange(10.0, 20.0), second: torch.arange(4.0)})
    end = machine.finish([second])[second]
    assert torch.equal(end, slow_reference(torch.arange(4.0), 2))
    machine.finish([first])
    with pytest.raises(KeyError):
        machine.push({first: torch.zeros(1)})


def test_an_empty_stream_ends_empty() -> None:
    machine = streams()
    assert len(machine.finish([machine.open()]).popitem()[1]) == 0


def means(window: Tensor, start: int, key: int) -> Tensor:
    """Two channels in; three out, a unit for every four."""
    del start, key
    middle = window[:, 2:-2]
    middle = torch.nn.functional.pad(middle, (0, -middle.shape[-1] % 4))
    mean_F = middle.mean(0).unflatten(-1, (-1, 4)).mean(-1)
    return torch.stack([mean_F, -mean_F, 0 * mean_F])


def make(step: int = 8, ratio: Fraction = Fraction(1, 4), **changes: int) -> WindowedStreams:
    sizes = {"before": 2, "after": 2, **changes}
    return WindowedStreams(means, step=step, ratio=ratio, channels=(2,), out_channels=(3,), **sizes)


def test_the_function_sees_windows_only_and_empty_blocks_keep_their_channels() -> None:
    seen = []

    def spy(window: Tensor, start: int, key: int) -> Tensor:
        seen.append(window.shape[-1])
        return means(window, start, key)

    machine = WindowedStreams(
        spy, step=8, before=2, after=2, ratio=Fraction(1, 4), channels=(2,), out_channels=(3,)
    )
    stream = machine.open()
    assert machine.push({stream: torch.ones(2, 0)})[stream].shape == (3, 0)
    assert machine.push({stream: torch.ones(2, 9)})[stream].shape == (3, 0)
    assert seen == []
    assert machine.push({stream: torch.ones(2, 1)})[stream].shape == (3, 2)
    assert machine.finish([stream])[stream].shape == (3, 1)
    assert seen == [12, 6]
    assert machine.finish([machine.open()]).popitem()[1].shape == (3, 0)


@pytest.mark.parametrize(
    ("ratio", "message"),
    [
        (Fraction(1, 2), r"window of 8 units gave \(3, 2\); at 1/2 .* must give \(3, 4\)"),
        (Fraction(1), r"window of 8 units gave \(3, 2\); at 1 .* must give \(3, 8\)"),
    ],
)
def test_a_function_of_another_ratio_is_refused_with_the_numbers(
    ratio: Fraction, message: str
) -> None:
    machine = make(ratio=ratio)
    stream = machine.open()
    with pytest.raises(PluginError, match=message):
        machine.push({stream: torch.ones(2, 10)})


def test_sizes_that_do_not_tile_are_refused() -> None:
    with pytest.raises(ValueError, match="7 · 1/4"):
        make(step=7)
    with pytest.raises(ValueError, match="no middle"):
        make(step=0)
    with pytest.raises(ValueError, match="no middle"):
        make(before=-1)
