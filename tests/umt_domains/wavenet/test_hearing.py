"""Streams of the encoder give what the network makes of the whole file."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from umt_domains.wavenet import hearing
from umt_domains.wavenet.blocked_layers import BFloat16Layer, Float32Layer
from umt_domains.wavenet.encoder import EncoderNetwork, ResidualLayer, latent_space
from umt_domains.wavenet.engine.hearing_layer import CompiledLayer
from umt_domains.wavenet.engine.kernel import build
from umt_domains.wavenet.engine.kinds import AVX512_BF16
from umt_domains.wavenet.engine.machine import engine_of
from umt_domains.wavenet.hearing import WavenetEncoder, fastest_layer
from umtcli.pipeline.subject import feed


@pytest.fixture
def encoder(small_encoder: EncoderNetwork, monkeypatch: pytest.MonkeyPatch) -> WavenetEncoder:
    """Windows of 30 frames: 300 samples in the middle, a reach of 31 samples, so 40.

    In float32, whatever the processor is best at.
    """
    monkeypatch.setattr(hearing, "STEP_FRAMES", 30)
    monkeypatch.setattr(hearing, "multiplies_bfloat16", lambda: False)
    return WavenetEncoder(small_encoder, latent_space("w/1", small_encoder.config), "cpu")


def noise(num_samples: int) -> Tensor:
    return torch.rand(num_samples, generator=torch.Generator().manual_seed(7)) * 2 - 1


@pytest.mark.parametrize("num_samples", [1, 9, 10, 31, 299, 300, 301, 339, 340, 345, 640, 1234])
def test_a_stream_equals_the_network_on_the_whole_file(
    encoder: WavenetEncoder, small_encoder: EncoderNetwork, num_samples: int
) -> None:
    wav = noise(num_samples)
    with torch.no_grad():
        whole = small_encoder(wav[None])[0]
    torch.testing.assert_close(feed(encoder.streams(), wav), whole, rtol=1e-5, atol=1e-5)


def test_padding_each_layer_is_not_padding_the_waveform(
    encoder: WavenetEncoder, small_encoder: EncoderNetwork
) -> None:
    # what the tests above would not show if biases were small
    wav = noise(100)
    with torch.no_grad():
        padded = small_encoder(torch.nn.functional.pad(wav, (40, 40))[None])[0, :, 4:-4]
    assert (feed(encoder.streams(), wav) - padded).abs().max() > 1e-2


def test_pieces_equal_the_whole_exactly(encoder: WavenetEncoder) -> None:
    wav, rng = noise(1234), random.Random(3)
    whole = feed(encoder.streams(), wav)
    for largest in (5, 90, 700):
        pieces = tuple(rng.randint(0, largest) for _ in range(1234 // largest))
        assert torch.equal(feed(encoder.streams(), wav, pieces), whole)


@pytest.mark.parametrize(("has_it", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_what_the_processor_multiplies_is_told(
    small_encoder: EncoderNetwork,
    monkeypatch: pytest.MonkeyPatch,
    has_it: bool,
    precision: str,
) -> None:
    monkeypatch.setattr(hearing, "multiplies_bfloat16", lambda: has_it)
    heard = WavenetEncoder(small_encoder, latent_space("w/1", small_encoder.config), "cpu")
    assert heard.precision == precision


@pytest.mark.parametrize("channels", [32, 48])
def test_layers_are_compiled_where_an_engine_can_do_them(
    monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    engine = engine_of(build(replace(AVX512_BF16, emulated=True)))
    monkeypatch.setattr(hearing, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(hearing, "bfloat16_engine", lambda: engine)
    new_layer, precision = fastest_layer(channels)
    layer = new_layer(ResidualLayer(channels, dilation=2))
    assert isinstance(layer, CompiledLayer if channels == 32 else BFloat16Layer)
    assert precision == "bfloat16"


def test_without_such_an_engine_torch_multiplies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(hearing, "bfloat16_engine", lambda: None)
    assert fastest_layer(128) == (BFloat16Layer, "bfloat16")
    monkeypatch.setattr(hearing, "multiplies_bfloat16", lambda: False)
    assert fastest_layer(128) == (Float32Layer, "float32")


def test_no_samples_give_no_frames(encoder: WavenetEncoder) -> None:
    assert feed(encoder.streams(), noise(0)).shape == (3, 0)


def test_lookahead_is_a_window_and_the_reach(encoder: WavenetEncoder) -> None:
    assert encoder.lookahead_s == (300 + 40) / 16_000
