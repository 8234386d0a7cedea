"""What a family may leave out: it is believed where it speaks, and else the plain case holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from umtcli.optional import batches, engines, note_streams, precision


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
