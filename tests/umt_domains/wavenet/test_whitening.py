"""What a fresh encoder's latents tell at the beginning."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from umt_domains.wavenet.config import EncoderConfig
from umt_domains.wavenet.encoder import EncoderNetwork
from umt_domains.wavenet.whitening import whiten

SIZES = EncoderConfig(
    blocks=1, layers=6, channels=16, latent_channels=6, sample_rate=8000, hop_samples=100
)


def tones() -> Tensor:
    """Tones of 30 pitches at three levels, in turn: (90, 2000)."""
    hertz_B = 165 * 2 ** (torch.arange(90) % 30 / 12)
    level_B = torch.tensor([0.05, 0.2, 0.8]).repeat_interleave(30)
    return level_B[:, None] * torch.sin(2 * torch.pi * hertz_B[:, None] * torch.arange(2000) / 8000)


def fresh(**sizes: int) -> EncoderNetwork:
    torch.manual_seed(1)
    return EncoderNetwork(EncoderConfig(**{**vars(SIZES), **sizes}))


@torch.no_grad()
def latents(network: EncoderNetwork, wav_BT: Tensor) -> Tensor:
    """All frames: (L, N)."""
    heard: Tensor = network(wav_BT)
    return heard.transpose(0, 1).flatten(1)


def test_latents_are_uncorrelated_and_of_one_size() -> None:
    network = fresh()
    whiten(network, tones())
    heard_LN = latents(network, tones())
    assert float(heard_LN.mean(1).abs().max()) < 1e-3
    covariance = torch.cov(heard_LN)
    # what varies by less than a ten-thousandth of the most stays smaller
    torch.testing.assert_close(covariance, torch.eye(6), atol=0.1, rtol=0)


def test_layers_stay_as_they_were() -> None:
    network, as_it_was = fresh(), fresh().state_dict()
    whiten(network, tones())
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, as_it_was[name]) != name.startswith("project")


@pytest.mark.parametrize("channels", [4, 6])
def test_latents_that_are_more_than_there_is_to_tell_stay_as_they_were(channels: int) -> None:
    network, as_it_was = fresh(channels=channels), fresh(channels=channels)
    whiten(network, tones())
    assert torch.equal(network.project.weight[channels:], as_it_was.project.weight[channels:])
    assert torch.isfinite(latents(network, tones())).all()


def test_silence_is_no_reason_for_infinite_weights() -> None:
    network = fresh()
    whiten(network, torch.zeros(3, SIZES.hop_samples))  # a frame of each, which are the same
    assert all(bool(torch.isfinite(p).all()) for p in network.project.parameters())
