"""Streams of the encoder give what the network makes of the whole file."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor

from umt_domains.wavenet import hearing
from umt_domains.wavenet.encoder import EncoderNetwork, latent_space
from umt_domains.wavenet.hearing import WavenetEncoder
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


def test_no_samples_give_no_frames(encoder: WavenetEncoder) -> None:
    assert feed(encoder.streams(), noise(0)).shape == (3, 0)


def test_lookahead_is_a_window_and_the_reach(encoder: WavenetEncoder) -> None:
    assert encoder.lookahead_s == (300 + 40) / 16_000
