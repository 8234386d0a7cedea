"""Results are valid JSON, whatever they hold."""

from __future__ import annotations

import json
import math

import pytest

from umtcli.errors import DecodeError
from umtcli.pipeline import Result


def test_a_done_result_says_how_fast_it_was() -> None:
    result = Result("a.wav", "b.wav", "piano", duration_s=60.0, seconds=3.0, gain_db=-2.3456)
    value = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert value["status"] == "done"
    assert value["real_time_factor"] == 20.0
    assert value["gain_db"] == -2.35
    assert value["error"] is None


def test_a_failed_result_says_why() -> None:
    value = Result("a.wav", "b.wav", "piano", error=DecodeError("Cannot decode a.wav.")).as_json()
    assert value["status"] == "failed"
    assert value["error"] == "Cannot decode a.wav."
    assert value["error_type"] == "DecodeError"
    assert value["real_time_factor"] is None


@pytest.mark.parametrize("gain_db", [math.inf, -math.inf, math.nan])
def test_no_number_that_json_lacks_gets_in(gain_db: float) -> None:
    value = Result("a.wav", "b.wav", "piano", gain_db=gain_db).as_json()
    assert value["gain_db"] is None
