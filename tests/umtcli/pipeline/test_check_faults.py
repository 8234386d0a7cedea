"""Each check of the conformance kit catches the fault it is for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from broken_toy import (
    BrokenFamily,
    LateDecoder,
    LateEncoder,
    decoder_of,
    encoder_of,
    late,
    run_checks,
)
from toy import (
    ToyDecoder,
    ToyDecoderStreams,
    ToyEncoder,
    ToyEncoderStreams,
    ToyFamily,
    ToyStream,
)
from umtcli.bundle import Bundle
from umtcli.domain import Option, Value


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
