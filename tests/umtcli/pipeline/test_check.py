"""The conformance kit passes honest families, and always comes to an end."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from broken_toy import (
    LateDecoder,
    LateEncoder,
    check_toy,
    decoder_of,
    encoder_of,
    late,
    run_checks,
)
from toy import ToyDecoderStreams, ToyEncoder, ToyFamily, make_toy, write_decoder
from umtcli.bundle import Bundle, read_info
from umtcli.pipeline.check import CHECKS, _random_pieces


def test_the_toy_domain_passes_every_check(tmp_path: Path) -> None:
    results = run_checks(tmp_path, ToyFamily())
    assert [(r.name, r.reason) for r in results.values() if not r.passed] == []
    assert set(results) == {"loads", *CHECKS}


def test_an_honest_family_of_long_windows_passes_every_check(tmp_path: Path) -> None:
    both = encoder_of(LateEncoder)
    both.break_decoder = decoder_of(LateDecoder).break_decoder
    results = run_checks(tmp_path, late(both))
    assert [(r.name, r.reason) for r in results.values() if not r.passed] == []


@pytest.mark.parametrize("largest", [3, 40, 3000])
@pytest.mark.parametrize("length", [0, 5, 60, 100_000])
def test_random_pieces_lie_all_over_the_signal(length: int, largest: int) -> None:
    pieces = _random_pieces(length, largest, random.Random(1))
    assert sum(pieces) == length
    assert min(pieces) >= 0
    if length == 100_000:
        assert max(pieces) < length / 2
        assert sum(piece <= largest for piece in pieces) > 20


@pytest.mark.parametrize("key", ["licence", "description", "data", "recipe"])
def test_incomplete_provenance_is_caught(tmp_path: Path, key: str) -> None:
    toy = make_toy(tmp_path)
    info = read_info(toy.decoders[0])
    write_decoder(info.path, info.space, provenance={**info.provenance, key: " "})
    results = check_toy(toy)
    assert results["metadata is complete"].reason == f"the decoder's provenance lacks {key}"


def test_a_check_that_raises_fails_and_the_others_go_on(tmp_path: Path) -> None:
    class RaisingDecoder(ToyDecoderStreams):
        def open(self, key: int = 0) -> int:
            raise ArithmeticError("no more numbers")

    results = run_checks(tmp_path, decoder_of(RaisingDecoder))
    assert results["silence stays silent"].reason == "ArithmeticError: no more numbers"
    assert results["metadata is complete"].passed


def test_a_domain_that_does_not_load_is_one_finding(tmp_path: Path) -> None:
    class Unloadable(ToyFamily):
        def load_encoder(self, bundle: Bundle, device: str) -> ToyEncoder:
            raise KeyError("weight")

    (result,) = run_checks(tmp_path, Unloadable()).values()
    assert (result.name, result.passed) == ("loads", False)
    assert "KeyError: 'weight'" in result.reason
