"""Nothing that is learned from is measured on."""

from hypothesis import given
from hypothesis import strategies as st

from umt_trainer.prepare.split import GAP_S, Parts, split

RATE = 10


def seconds(parts: Parts, name: str) -> float:
    return sum(p.num_samples for ps in parts.values() for p in ps if p.split == name) / RATE


def lengths(*durations_s: float) -> dict[str, int]:
    return {f"{k:02}": round(s * RATE) for k, s in enumerate(durations_s)}


def test_many_files_are_held_out_whole() -> None:
    parts = split(lengths(*[60.0] * 40), RATE)
    assert all(len(stretches) == 1 for stretches in parts.values())
    assert seconds(parts, "val") == seconds(parts, "test") == 240
    assert seconds(parts, "train") == 1920


def test_a_single_file_is_cut_in_time_with_gaps() -> None:
    ((train, val, test),) = split(lengths(600.0), RATE).values()
    assert (val.num_samples, test.num_samples) == (600, 600)
    assert val.first - (train.first + train.num_samples) == GAP_S * RATE
    assert test.first - (val.first + val.num_samples) == GAP_S * RATE
    assert test.first + test.num_samples == 6000


def test_one_file_that_is_most_of_the_music_is_cut() -> None:
    parts = split(lengths(3600.0, *[10.0] * 3), RATE)
    assert [p.split for p in parts["00"]] == ["train", "val", "test"]


def test_three_short_files_give_one_to_each() -> None:
    parts = split(lengths(15.0, 12.0, 9.0), RATE)
    assert {key: p.split for key, (p,) in parts.items()} == {
        "00": "train", "01": "test", "02": "val",
    }  # fmt: skip


def test_too_little_to_spare_is_all_for_training() -> None:
    parts = split(lengths(9.0, 9.0), RATE)
    assert seconds(parts, "train") == 18


@given(st.lists(st.floats(4, 900), min_size=1, max_size=60))
def test_every_sample_is_in_one_split_at_most(durations_s: list[float]) -> None:
    given_lengths = lengths(*durations_s)
    parts = split(given_lengths, RATE)
    assert set(parts) == set(given_lengths)
    for key, stretches in parts.items():
        end = 0
        for part in stretches:
            assert part.first >= end
            assert part.num_samples > 0
            end = part.first + part.num_samples
        assert end <= given_lengths[key]
    assert seconds(parts, "train") > 0
    if sum(durations_s) > 120:
        assert 0 < seconds(parts, "val") < 0.4 * sum(durations_s)
        assert 0 < seconds(parts, "test") < 0.4 * sum(durations_s)


@given(st.permutations(range(20)))
def test_neither_names_nor_order_decide(order: list[int]) -> None:
    whole = lengths(*range(20, 40))
    keys = list(whole)
    assert split({keys[k]: whole[keys[k]] for k in order}, RATE) == split(whole, RATE)
