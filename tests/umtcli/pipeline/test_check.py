"""Each check of the conformance kit passes the toy family and catches the fault it is for."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from toy import (
    ENCODER_RATE,
    FRAME_RATE,
    ToyDecoder,
    ToyDecoderStreams,
    ToyEncoder,
    ToyEncoderStreams,
    ToyFamily,
    ToyStream,
    ToyStreams,
    make_toy,
    write_decoder,
)
from umtcli.bundle import Bundle, read_info
from umtcli.catalog import Catalog
from umtcli.domain import Option, Value
from umtcli.pipeline.check import CHECKS, CheckResult, _random_pieces, check_domain
from umtcli.plugins import make_plugin_manager


class BrokenFamily(ToyFamily):
    """The toy family with one of its machines changed after it was built."""

    def __init__(
        self,
        encoder: Callable[[ToyEncoder], None] = lambda _: None,
        decoder: Callable[[ToyDecoder], None] = lambda _: None,
    ) -> None:
        self.break_encoder, self.break_decoder = encoder, decoder

    def load_encoder(self, bundle: Bundle, device: str) -> ToyEncoder:
        machine = ToyEncoder(bundle.info.space, bundle.tensors["weight"])
        self.break_encoder(machine)
        return machine

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        machine = super().load_decoder(bundle, device, options)
        self.break_decoder(machine)
        return machine


def encoder_of(streams: type[ToyEncoderStreams]) -> BrokenFamily:
    return BrokenFamily(encoder=lambda e: setattr(e, "streams", lambda: streams(e.weight_C)))


def decoder_of(streams: type[ToyDecoderStreams]) -> BrokenFamily:
    return BrokenFamily(
        decoder=lambda d: setattr(
            d, "streams", lambda seed=0: streams(d.frequency_hz, d.gain_db, seed)
        )
    )


def run_checks(folder: Path, family: ToyFamily) -> dict[str, CheckResult]:
    manager = make_plugin_manager()
    manager.add(make_toy(folder, family=family), "toy")
    catalog = Catalog.from_manager(manager)
    return {result.name: result for result in check_domain(catalog, catalog.domain("toy"))}


def test_the_toy_domain_passes_every_check(tmp_path: Path) -> None:
    results = run_checks(tmp_path, ToyFamily())
    assert [(r.name, r.reason) for r in results.values() if not r.passed] == []
    assert set(results) == {"loads", *CHECKS}


class WideEncoder(ToyEncoderStreams):
    """Gives one channel more than its space has."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        latent_CF = super().advance(stream, last=last)
        return torch.cat([latent_CF, latent_CF[:1]])


class DoubleDecoder(ToyDecoderStreams):
    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        return super().advance(stream, last=last).double()


class OverflowingDecoder(ToyDecoderStreams):
    def play(self, level_T: Tensor, roughness_T: Tensor, key: int, start: int) -> Tensor:
        # finite for music, infinite for full scale
        return super().play(level_T, roughness_T, key, start) / (level_T < 0.9)


class FloorEncoder(ToyEncoderStreams):
    """Forgets the frame that the end of the input cuts short."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        if last:
            stream.waiting = stream.waiting[: len(stream.waiting) // 80 * 80]
        return super().advance(stream, last=last)


class LongDecoder(ToyDecoderStreams):
    """Rings on after the end."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        out_T = super().advance(stream, last=last)
        return torch.cat([out_T, torch.zeros(10)]) if last else out_T


class RestartingDecoder(ToyDecoderStreams):
    """Begins its sine anew with every push."""

    def play(self, level_T: Tensor, roughness_T: Tensor, key: int, start: int) -> Tensor:
        return super().play(level_T, roughness_T, key, 0)


class NormalisingEncoder(ToyEncoderStreams):
    """Scales each block to its own peak."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        return super().push(
            {i: b / b.abs().max() if len(b) and b.any() else b for i, b in blocks.items()}
        )


class LeakingDecoder(ToyDecoderStreams):
    """Scales by the mean over the batch, as a batch norm would."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        ready = super().push(blocks)
        return {i: out / len(blocks) for i, out in ready.items()}


class ForgetfulEncoder(ToyEncoderStreams):
    """Ending one stream ends what the others have waiting."""

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        ended = super().finish(ids)
        for stream in self._streams.values():
            stream.waiting = stream.waiting * 0
        return ended


class MoodyDecoder(ToyDecoderStreams):
    """Takes its noise from torch's global generator."""

    def play(self, level_T: Tensor, roughness_T: Tensor, key: int, start: int) -> Tensor:
        return level_T * torch.rand(len(level_T))


class NumberedDecoder(ToyDecoderStreams):
    """Keys its noise with the stream's number."""

    def open(self, key: int = 0) -> int:
        return super().open(key + self._next_id)


class WritingEncoder(ToyEncoderStreams):
    """Scales its input in place."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        ready = super().push(blocks)
        for block in blocks.values():
            block *= 0.5
        return ready


class HummingDecoder(ToyDecoderStreams):
    """Hums along when nothing is played."""

    def play(self, level_T: Tensor, roughness_T: Tensor, key: int, start: int) -> Tensor:
        return super().play(level_T.clamp(min=0.001), roughness_T, key, start)


class MuteDecoder(ToyDecoderStreams):
    """Plays nothing at all."""

    def play(self, level_T: Tensor, roughness_T: Tensor, key: int, start: int) -> Tensor:
        return super().play(level_T, roughness_T, key, start) * 1e-6


class HoardingEncoder(ToyEncoderStreams):
    """Gives everything at the end."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        for stream_id, block in blocks.items():
            stream = self._streams[stream_id]
            stream.waiting = torch.cat([stream.waiting, block])
        return {stream_id: torch.zeros(2, 0) for stream_id in blocks}


class HoardingDecoder(ToyDecoderStreams):
    """Gives everything at the end."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        for stream_id, block in blocks.items():
            stream = self._streams[stream_id]
            stream.waiting = torch.cat([stream.waiting, block], dim=1)
        return {stream_id: torch.zeros(0) for stream_id in blocks}


class LateStreams(ToyStreams):
    """Works in windows of two seconds or more: gives nothing until so much is there."""

    least: int

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        if not last and stream.waiting.shape[-1] < self.least:
            return self.nothing
        return super().advance(stream, last=last)


class LateEncoder(LateStreams, ToyEncoderStreams):
    least, nothing = 2 * ENCODER_RATE, torch.zeros(2, 0)


class LateDecoder(LateStreams, ToyDecoderStreams):
    least, nothing = round(2 * FRAME_RATE), torch.zeros(0)


class SeamedEncoder(LateEncoder):
    """Begins each window anew: its first frame hears nothing."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        latent_CF = super().advance(stream, last=last)
        latent_CF[:, :1] = 0
        return latent_CF


class SeamedDecoder(LateDecoder, RestartingDecoder):
    """Begins its sine anew with every window."""


class LateLeakingDecoder(LateDecoder, LeakingDecoder):
    """Scales its windows by the number of streams."""


class LateMoodyDecoder(LateDecoder):
    """Windows that come out early are chance, the last one is not."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        out_T = super().advance(stream, last=last)
        return out_T if last else out_T * torch.rand(1)


def late(family: BrokenFamily) -> BrokenFamily:
    """Declare a lookahead that covers the window of two seconds."""
    broken = family.break_encoder, family.break_decoder

    def patient(breaks: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda machine: (breaks(machine), setattr(machine, "lookahead_s", 2.02))[0]

    return BrokenFamily(*map(patient, broken))


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


class LoudestFamily(ToyFamily):
    """Divides by zero at the top of its range."""

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        decoder = super().load_decoder(bundle, device, options)
        if decoder.gain_db == 12:
            decoder.gain_db = float("nan")
        return decoder


class OutOfRangeFamily(ToyFamily):
    options = (Option("gain_db", 20.0, minimum=-60, maximum=12),)


def set_on_encoder(name: str, value: Any) -> BrokenFamily:
    return BrokenFamily(encoder=lambda e: setattr(e, name, value))


def set_on_decoder(name: str, value: Any) -> BrokenFamily:
    return BrokenFamily(decoder=lambda d: setattr(d, name, value))


def other_space(encoder: ToyEncoder) -> None:
    encoder.space = dataclasses.replace(encoder.space, name="toy/2")


@pytest.mark.parametrize(
    ("family", "check", "reason"),
    [
        (BrokenFamily(encoder=other_space), "declarations agree", "toy/2"),
        (set_on_encoder("sample_rate", 16_000), "declarations agree", "encoder takes 16000 Hz"),
        (set_on_decoder("sample_rate", 44_100), "declarations agree", "decoder makes 44100 Hz"),
        (set_on_decoder("lookahead_s", -1.0), "declarations agree", "decoder's lookahead_s is -1"),
        (set_on_encoder("lookahead_s", float("inf")), "declarations agree", "encoder's lookahead"),
        (encoder_of(WideEncoder), "shapes are right", "the encoder gives (3, 133) for C = 2"),
        (decoder_of(DoubleDecoder), "shapes are right", "torch.float64"),
        (decoder_of(OverflowingDecoder), "shapes are right", "NaN for full-scale noise"),
        (encoder_of(FloorEncoder), "lengths follow the formula", "0 frames for 1 samples, not 1"),
        (decoder_of(LongDecoder), "lengths follow the formula", "10 samples for 0 frames, not 0"),
        (decoder_of(RestartingDecoder), "pieces equal the whole", "the decoder differs"),
        (encoder_of(NormalisingEncoder), "pieces equal the whole", "the encoder differs"),
        (decoder_of(LeakingDecoder), "neighbours never matter", "the decoder differs"),
        (encoder_of(ForgetfulEncoder), "neighbours never matter", "the encoder differs"),
        (decoder_of(MoodyDecoder), "same seed same result", "the decoder gives another"),
        (decoder_of(NumberedDecoder), "same seed same result", "the decoder gives another"),
        (encoder_of(WritingEncoder), "inputs are left alone", "the encoder writes"),
        (decoder_of(HummingDecoder), "silence stays silent", "silence comes out at -6"),
        (decoder_of(MuteDecoder), "music is heard", "music near −20 dBFS comes out at -1"),
        (encoder_of(HoardingEncoder), "lookahead is honoured", "the encoder holds back"),
        (decoder_of(HoardingDecoder), "lookahead is honoured", "the decoder holds back"),
        (late(encoder_of(SeamedEncoder)), "pieces equal the whole", "the encoder differs"),
        (late(decoder_of(SeamedDecoder)), "pieces equal the whole", "the decoder differs"),
        (late(decoder_of(LateLeakingDecoder)), "neighbours never matter", "the decoder differs"),
        (late(decoder_of(LateMoodyDecoder)), "same seed same result", "the decoder gives another"),
        (LoudestFamily(), "options work in their range", "gain_db=12 gives infinities"),
        (OutOfRangeFamily(), "options work in their range", "must be in -60 … 12, not 20"),
    ],
)
def test_a_fault_is_caught_by_its_check(
    tmp_path: Path, family: ToyFamily, check: str, reason: str
) -> None:
    result = run_checks(tmp_path, family)[check]
    assert not result.passed
    assert reason in result.reason


def test_a_fault_fails_no_check_but_its_own(tmp_path: Path) -> None:
    results = run_checks(tmp_path, decoder_of(HummingDecoder))
    assert [name for name, result in results.items() if not result.passed] == [
        "silence stays silent"
    ]


@pytest.mark.parametrize("key", ["licence", "description", "data", "recipe"])
def test_incomplete_provenance_is_caught(tmp_path: Path, key: str) -> None:
    toy = make_toy(tmp_path)
    info = read_info(toy.decoders[0])
    write_decoder(info.path, info.space, provenance={**info.provenance, key: " "})
    manager = make_plugin_manager()
    manager.add(toy, "toy")
    catalog = Catalog.from_manager(manager)
    results = {r.name: r for r in check_domain(catalog, catalog.domain("toy"))}
    assert results["metadata is complete"].reason == f"the decoder's provenance lacks {key}"


def test_a_check_that_raises_fails_and_the_others_go_on(tmp_path: Path) -> None:
    class RaisingFamily(BrokenFamily):
        def load_decoder(self, *args: Any) -> ToyDecoder:
            decoder = super().load_decoder(*args)
            decoder.streams = lambda seed=0: 1 / 0  # type: ignore[assignment, method-assign]
            return decoder

    results = run_checks(tmp_path, RaisingFamily())
    assert results["silence stays silent"].reason == "ZeroDivisionError: division by zero"
    assert results["metadata is complete"].passed


def test_a_domain_that_does_not_load_is_one_finding(tmp_path: Path) -> None:
    class Unloadable(ToyFamily):
        def load_encoder(self, bundle: Bundle, device: str) -> ToyEncoder:
            raise KeyError("weight")

    (result,) = run_checks(tmp_path, Unloadable()).values()
    assert (result.name, result.passed) == ("loads", False)
    assert "KeyError: 'weight'" in result.reason
