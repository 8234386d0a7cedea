"""What is made ahead is what would have been made when asked for."""

from __future__ import annotations

from threading import Event

import pytest

from umt_trainer.ahead import Ahead

STRIDE, END = 4, 20


def test_the_same_parts_of_the_next_steps_are_made_while_this_one_is_used() -> None:
    made: list[tuple[int, int]] = []
    third = Event()

    def make(index: int, size: int) -> str:
        made.append((index, size))
        if index == 2 * STRIDE:
            third.set()
        return f"{index}+{size}"

    ahead = Ahead(make, STRIDE, END, num_threads=1)
    assert ahead.get(0, 2) == "0+2"
    assert third.wait(10)
    assert made == [(0, 2), (4, 2), (8, 2)]
    # asked for again, as by the second update of a step: nothing is made twice
    assert ahead.get(0, 2) == "0+2"
    for index in range(0, END, STRIDE):
        for part in (0, 2):
            assert ahead.get(index + part, 2) == f"{index + part}+2"
    assert sorted(made) == [(index, 2) for index in range(0, END, 2)]  # and none beyond the end


def test_any_order_gives_the_same() -> None:
    ahead = Ahead(lambda index, size: (index, size), STRIDE, END, num_threads=2)
    for index in (12, 0, 14, 4):
        assert ahead.get(index, 2) == (index, 2)


def test_what_goes_wrong_is_raised_where_it_is_asked_for() -> None:
    def make(index: int, size: int) -> int:
        if index == STRIDE:
            raise ValueError("broken shard")
        return index

    ahead = Ahead(make, STRIDE, END, num_threads=1)
    assert ahead.get(0, 4) == 0
    with pytest.raises(ValueError, match="broken shard"):
        ahead.get(STRIDE, 4)
    assert ahead.get(2 * STRIDE, 4) == 2 * STRIDE
