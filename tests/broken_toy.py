"""The toy family with a machine changed, and what the conformance kit says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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
    ToyPlugin,
    ToyStream,
    ToyStreams,
    make_toy,
)
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.pipeline.check import CheckResult, check_domain
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
    """The toy family with other streams in its encoder."""
    return BrokenFamily(encoder=lambda e: setattr(e, "streams", lambda: streams(e.weight_C)))


def decoder_of(streams: type[ToyDecoderStreams]) -> BrokenFamily:
    """The toy family with other streams in its decoder."""
    return BrokenFamily(
        decoder=lambda d: setattr(
            d, "streams", lambda seed=0: streams(d.frequency_hz, d.gain_db, seed)
        )
    )


class LateStreams(ToyStreams):
    """Works in windows of two seconds or more: gives nothing until so much is there."""

    least: int
    nothing: Tensor

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        if not last and stream.waiting.shape[-1] < self.least:
            return self.nothing
        return super().advance(stream, last=last)


class LateEncoder(LateStreams, ToyEncoderStreams):
    least, nothing = 2 * ENCODER_RATE, torch.zeros(2, 0)


class LateDecoder(LateStreams, ToyDecoderStreams):
    least, nothing = round(2 * FRAME_RATE), torch.zeros(0)


def late(family: BrokenFamily) -> BrokenFamily:
    """Declare a lookahead that covers the window of two seconds."""
    broken = family.break_encoder, family.break_decoder

    def patient(breaks: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda machine: (breaks(machine), setattr(machine, "lookahead_s", 2.02))[0]

    return BrokenFamily(*map(patient, broken))


def run_checks(folder: Path, family: ToyFamily) -> dict[str, CheckResult]:
    """What the kit finds, by the name of the check."""
    return check_toy(make_toy(folder, family=family))


def check_toy(toy: ToyPlugin) -> dict[str, CheckResult]:
    """The same for a plugin that is there already."""
    manager = make_plugin_manager()
    manager.add(toy, "toy")
    catalog = Catalog.from_manager(manager)
    return {result.name: result for result in check_domain(catalog, catalog.domain("toy"))}
