"""A run that makes no sense is refused by the name of what is wrong."""

import pytest

from umt_trainer.config import RunConfig
from umtcli.errors import UsageError


@pytest.mark.parametrize(
    ("field", "value", "span"),
    [
        ("steps", 0, "from 1"),
        ("batch_size", 0, "from 1"),
        ("shards", 0, "from 1"),
        ("workers", 0, "from 1"),
        ("warmup_steps", 0, "from 1"),
        ("crop_s", 0.0, "above 0"),
        ("learning_rate", float("nan"), "above 0 and finite"),
        ("crop_s", float("inf"), "above 0 and finite"),
        ("clip_norm", -1.0, "above 0"),
        ("seed", -1, "from 0"),
        ("checkpoint_every_s", -1.0, "from 0"),
        ("average_decay", 1.0, "from 0 to below 1"),
        ("weight_decay", -0.1, "from 0"),
        ("decay", 0.0, "above 0 and at most 1"),
        ("decay", 1.1, "above 0 and at most 1"),
        ("decay_examples", 0, "from 1"),
        ("clip_value", 0.0, "above 0"),
        ("beta2", 1.0, "from 0 to below 1"),
        ("checkpoints", 0, "from 1"),
        ("loaders", 0, "from 1"),
        ("steps", 1.5, "a whole number from 1"),
        ("steps", True, "a whole number from 1"),
        ("decay", True, "a number above 0 and at most 1"),
    ],
)
def test_a_field_out_of_range_is_named_with_its_range(field: str, value: float, span: str) -> None:
    with pytest.raises(UsageError, match=f"^{field} is {value}; it must be {span}"):
        RunConfig(**({"steps": 10} | {field: value}))


def test_a_batch_is_whole_shards() -> None:
    with pytest.raises(UsageError, match="batch_size is 6; it must be a multiple of shards"):
        RunConfig(steps=1, batch_size=6, shards=4)


def test_an_unknown_schedule_is_refused_by_those_there_are() -> None:
    with pytest.raises(UsageError, match="schedule is 'linear'; it must be cosine or decay"):
        RunConfig(steps=1, schedule="linear")


def test_a_text_is_no_number() -> None:
    with pytest.raises(UsageError, match="steps is 'many'; it must be a whole number from 1"):
        RunConfig(steps="many")


def test_processes_share_whole_shards_of_a_batch() -> None:
    config = RunConfig(steps=1, batch_size=24, shards=4)
    assert [config.parts(n) for n in (1, 2, 3, 8)] == [4, 4, 12, 8]
    with pytest.raises(UsageError, match="24; 5 processes with 4 shards need a multiple of 20"):
        config.parts(5)


def test_a_run_begun_before_a_setting_was_there_goes_on() -> None:
    early = set(RunConfig(steps=1).identity())
    assert not early & {"beta2", "clip_value", "precision"}
    assert RunConfig(steps=1, precision="bfloat16").identity()["precision"] == "bfloat16"


def test_the_identity_leaves_out_what_does_not_matter() -> None:
    one = RunConfig(steps=1, workers=1, checkpoint_every_s=1.0, checkpoints=1).identity()
    two = RunConfig(steps=1, workers=2, checkpoint_every_s=2.0, checkpoints=2, loaders=5).identity()
    assert one == two
    assert one != RunConfig(steps=1, seed=2).identity()
