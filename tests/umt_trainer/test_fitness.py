"""Recordings that cannot teach an instrument are refused with what they lack."""

from dataclasses import replace

import pytest

from umt_trainer.fitness import judge_manifest, judge_playable
from umt_trainer.prepare import Manifest, Record
from umtcli.errors import TrainingError

TAKE = Record("a.wav", 1, 1, "ab", 6000, 600.0, 0.0, 0.0, "a.zip")


def manifest(**of_the_take: object) -> Manifest:
    """One take of ten minutes that sounds all the time, but for what is said."""
    take = replace(TAKE, **of_the_take)
    return Manifest("kazoo", "toy", 10, "in", (take,), ())


def test_ten_good_minutes_are_nothing_to_talk_about() -> None:
    assert judge_manifest(manifest()) == []
    assert judge_playable("kazoo", 0.9) == []


def test_too_little_says_how_much_more_is_needed() -> None:
    with pytest.raises(
        TrainingError, match=r"kazoo: 42 s of sound.*60 s are the least.* 18 s more"
    ):
        judge_manifest(manifest(num_samples=420, sounding_s=42.0))


def test_long_recordings_of_silence_are_too_little() -> None:
    with pytest.raises(TrainingError, match=r"95% of the recordings is silence"):
        judge_manifest(manifest(sounding_s=30.0))


def test_little_is_warned_of() -> None:
    (warning,) = judge_manifest(manifest(num_samples=1200, sounding_s=110.0))
    assert "1.8 minutes of sound are little" in warning


def test_much_silence_is_warned_of() -> None:
    (warning,) = judge_manifest(manifest(num_samples=12000, sounding_s=400.0))
    assert "67% of the recordings is silence" in warning


def test_clipping_is_warned_of_with_the_worst_file() -> None:
    good, bad = TAKE, replace(TAKE, source="loud.wav", clipped_share=0.5)
    (warning,) = judge_manifest(replace(manifest(), records=(good, bad)))
    assert "25% of the sound is clipped (most in loud.wav)" in warning


def test_what_has_no_notes_is_refused_and_what_has_few_warned_of() -> None:
    with pytest.raises(TrainingError, match="notes are heard in only 6% of the sound"):
        judge_playable("kazoo", 0.06)
    (warning,) = judge_playable("kazoo", 0.5)
    assert "in 50% of the sound only" in warning
