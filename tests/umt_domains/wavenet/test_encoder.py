"""The encoder is the paper's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from umt_domains.wavenet.config import EncoderConfig
from umt_domains.wavenet.encoder import EncoderNetwork, heard_input, latent_space
from wavenet_reference import authors_encoder, hear


@pytest.mark.parametrize("num_samples", [1, 10, 64, 87])
def test_latents_are_those_of_the_slow_reference(
    small_encoder: EncoderNetwork, num_samples: int
) -> None:
    wav = torch.rand(num_samples, generator=torch.Generator().manual_seed(num_samples)) * 2 - 1
    wanted = hear(authors_encoder(small_encoder), wav.tolist(), blocks=2, layers=4, hop=10)
    with torch.no_grad():
        latents = small_encoder(wav[None])[0]
    assert latents.shape == (3, -(-num_samples // 10))
    np.testing.assert_allclose(latents.numpy(), wanted, atol=2e-6 * np.abs(wanted).max())


def test_the_parameter_count_is_the_published_one() -> None:
    count = sum(p.numel() for p in EncoderNetwork(EncoderConfig()).parameters())
    assert round(count / 1e6, 2) == 1.98


def test_a_sample_costs_what_was_published() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        EncoderNetwork(EncoderConfig())(torch.zeros(1, 800))
    flops = counter.get_total_flops() / 800
    assert round(flops / 2 / 1e6, 2) == 1.97  # multiplications with an addition each
    assert round(16_000 * flops / 1e9) == 63


def test_the_space_is_64_channels_at_20_hz() -> None:
    space = latent_space("wavenet/1", EncoderConfig())
    assert (space.channels, space.frame_rate) == (64, 20.0)


def test_a_change_is_felt_as_far_as_the_reach_and_no_further(
    small_encoder: EncoderNetwork,
) -> None:
    reach = small_encoder.config.reach_samples
    still = torch.zeros(1, 200)
    struck = still.clone()
    struck[0, 100] = 1.0
    difference = before_pooling(small_encoder, struck) - before_pooling(small_encoder, still)
    felt = difference.any(dim=0).nonzero()[:, 0]
    assert (felt.min(), felt.max()) == (100 - reach, 100 + reach)


def test_the_paper_hears_3070_samples_to_either_side() -> None:
    network = EncoderNetwork(EncoderConfig(channels=1, latent_channels=1))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(1 if name.endswith("weight") else 0)
        # silence, class 127, comes out just below 0: no ReLU opens but where the blow is felt
        network.start.bias.fill_(3 * (0.5 - 127 / 255) - 1e-4)
    still = torch.zeros(1, 16_000)
    struck = still.clone()
    struck[0, 8_000] = 1.0
    difference = before_pooling(network, struck) - before_pooling(network, still)
    felt = difference.any(dim=0).nonzero()[:, 0]
    assert (felt.min(), felt.max()) == (8_000 - 3_070, 8_000 + 3_070)


def test_bfloat16_under_autocast_stays_near(small_encoder: EncoderNetwork) -> None:
    wav = torch.rand(2, 200, generator=torch.Generator().manual_seed(8)) * 2 - 1
    with torch.no_grad():
        exact = small_encoder(wav)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = small_encoder(wav)
    assert rounded.dtype == torch.bfloat16
    assert (rounded - exact).abs().max() < 0.05 * exact.abs().max()


def before_pooling(network: EncoderNetwork, wav: torch.Tensor) -> torch.Tensor:
    """What the last layer makes of each sample, (C, T), in float64."""
    network.double()
    with torch.no_grad():
        x = network.start(heard_input(wav, network.config.hop_samples).double()[:, None])
        for layer in network.layers:
            x = layer(x)
    return x[0]
