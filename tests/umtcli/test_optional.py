"""What a family may leave out: it is believed where it speaks, and else the plain case holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from umtcli.optional import (
    batches,
    drop,
    engines,
    note_streams,
    notice,
    owed_s,
    patient_streams,
    precision,
)


def says(**parts: object) -> Any:
    return SimpleNamespace(**parts)


def test_streams_are_pushed_together_unless_they_deny_it() -> None:
    assert batches(says()) is True
    assert batches(says(batches=True)) is True
    assert batches(says(batches=False)) is False


def test_a_decoder_computes_in_float32_unless_it_says_otherwise() -> None:
    assert precision(says()) == "float32"
    assert precision(says(precision="bfloat16")) == "bfloat16"


def test_a_family_has_no_engines_unless_it_names_them() -> None:
    assert engines(says()) == ()
    assert engines(says(engines=lambda: ("fast", "slow"))) == ("fast", "slow")


def test_a_family_tells_no_notes_unless_it_has_streams_of_them() -> None:
    assert note_streams(says()) is None
    assert note_streams(says(note_streams=list)) is list


def test_files_get_ordinary_streams_unless_there_are_patient_ones() -> None:
    assert patient_streams(says(streams=lambda seed: ("now", seed)), 3) == ("now", 3)
    decoder = says(streams=None, patient_streams=lambda seed: ("later", seed))
    assert patient_streams(decoder, 3) == ("later", 3)


def test_streams_owe_nothing_unless_they_are_patient() -> None:
    assert owed_s(says(), [1, 2]) == 0
    assert owed_s(says(owed_s={1: 2.5, 2: 0.0}.__getitem__), [1, 2]) == 2.5
    assert owed_s(says(owed_s=None), []) == 0
    assert notice(says()) == ""
    assert notice(says(notice="slow")) == "slow"


def test_streams_that_are_not_patient_are_dropped_by_their_end() -> None:
    ended: list[list[int]] = []
    drop(says(finish=ended.append), [1])
    drop(says(finish=None, drop=ended.append), [2])
    assert ended == [[1], [2]]
