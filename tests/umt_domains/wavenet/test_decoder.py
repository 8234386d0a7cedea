"""The WaveNet is the paper's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from umt_domains.wavenet.config import DecoderConfig
from umt_domains.wavenet.decoder import DecoderNetwork
from wavenet_reference import SlowWaveNet, authors_decoder, forced_logits


def example(network: DecoderNetwork, num_frames: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Random classes (1, T) and latents (1, C, F)."""
    generator = torch.Generator().manual_seed(seed)
    config = network.config
    classes = torch.randint(0, 256, (1, num_frames * config.hop_samples), generator=generator)
    latents = torch.randn(1, config.latent_channels, num_frames, generator=generator)
    return classes, latents


def test_logits_are_those_of_the_slow_reference(small_decoder: DecoderNetwork) -> None:
    classes, latents = example(small_decoder, num_frames=5)
    slow = SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
    wanted = forced_logits(slow, classes[0].tolist(), latents[0].double().numpy(), hop=13)
    with torch.no_grad():
        logits = small_decoder(classes, latents)[0]
    np.testing.assert_allclose(logits.numpy(), wanted, atol=2e-6 * np.abs(wanted).max())


def test_the_examples_of_a_batch_do_not_mix(small_decoder: DecoderNetwork) -> None:
    first, second = example(small_decoder, 3, seed=1), example(small_decoder, 3, seed=2)
    with torch.no_grad():
        both = small_decoder(torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]]))
        torch.testing.assert_close(both[:1], small_decoder(*first))
        torch.testing.assert_close(both[1:], small_decoder(*second))


def test_a_sample_decides_the_logits_after_it_within_the_receptive_field(
    small_decoder: DecoderNetwork,
) -> None:
    small_decoder.double()
    classes, latents = example(small_decoder, num_frames=5)
    other = classes.clone()
    other[0, 20] = (classes[0, 20] + 128) % 256
    with torch.no_grad():
        changed = small_decoder(classes, latents.double()) - small_decoder(other, latents.double())
    felt = changed[0].any(dim=0).nonzero()[:, 0]
    assert felt.min() == 20 + 1
    assert felt.max() == 20 + small_decoder.config.receptive_field_samples


def test_a_latent_frame_steers_its_own_samples_and_what_remembers_them(
    small_decoder: DecoderNetwork,
) -> None:
    small_decoder.double()
    classes, latents = example(small_decoder, num_frames=5)
    other = latents.double().clone()
    other[0, :, 1] += 1
    with torch.no_grad():
        changed = small_decoder(classes, latents.double()) - small_decoder(classes, other)
    felt = changed[0].any(dim=0).nonzero()[:, 0]
    # all layers but the first are conditioned before they look back; the first layer's
    # output is remembered by those above it
    reach = sum(small_decoder.config.dilations[1:])
    assert (felt.min(), felt.max()) == (13, 25 + reach)


@pytest.mark.parametrize(("layers", "millions"), [(10, 4.69), (14, 6.54)])
def test_parameter_counts_are_the_published_ones(layers: int, millions: float) -> None:
    network = DecoderNetwork(DecoderConfig(layers=layers))
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 2) == millions


@pytest.mark.parametrize(("layers", "samples", "seconds"), [(10, 4_094, 0.26), (14, 65_534, 4.1)])
def test_the_published_sizes_remember_the_published_number_of_samples(
    layers: int, samples: int, seconds: float
) -> None:
    network = strung(
        DecoderConfig(layers=layers, residual_channels=8, skip_channels=8, latent_channels=1)
    )
    classes = torch.full((1, 800 * (samples // 800 + 1)), 127.5)  # nothing, between two classes
    classes[0, 0] += 1
    with torch.no_grad():
        logits = network(classes, torch.zeros(1, 1, classes.shape[1] // 800).double())[0]
    felt = (logits != logits[:, :1]).any(dim=0).nonzero()[:, 0]
    assert (felt.min(), felt.max()) == (1, samples)
    assert round(samples / 16_000, 2 if seconds < 1 else 1) == seconds


def strung(config: DecoderConfig) -> DecoderNetwork:
    """A network that hands on whatever it remembers, neither weaker nor stronger."""
    network = DecoderNetwork(config).double()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.fill_(0.18 if name.endswith("weight") else 0)
        for conv in (network.first_skip, network.fc):
            assert conv.bias is not None
            conv.bias.fill_(1)  # keeps the ReLUs behind them open
    return network


@pytest.mark.parametrize(("layers", "mflop", "gflop_a_second"), [(10, 8.0, 128), (14, 11.1, 178)])
def test_a_sample_costs_what_was_published(layers: int, mflop: float, gflop_a_second: int) -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = DecoderNetwork(DecoderConfig(layers=layers))
        network(torch.zeros(1, 800, dtype=torch.int64), torch.zeros(1, 64, 1))
    # two operations a product; latents are mixed in once a frame, 800 samples
    macs = {
        name.removeprefix("DecoderNetwork"): sum(flops.values()) / 800 / 2
        for name, flops in counter.get_flop_counts().items()
    }
    assert macs[".layers.0.dilated"] + macs[".layers.0.out"] == 98_304
    assert macs[".first_skip"] + macs[".fc"] + macs[".logits"] == 65_536
    assert round(2 * macs[""] / 1e6, 1) == mflop
    assert round(16_000 * 2 * macs[""] / 1e9) == gflop_a_second


def test_bfloat16_under_autocast_stays_near(small_decoder: DecoderNetwork) -> None:
    classes, latents = example(small_decoder, num_frames=5)
    with torch.no_grad():
        exact = small_decoder(classes, latents)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = small_decoder(classes, latents)
    assert rounded.dtype == torch.bfloat16
    assert (rounded - exact).abs().max() < 0.05 * exact.abs().max()


def test_every_parameter_learns(small_decoder: DecoderNetwork) -> None:
    small_decoder(*example(small_decoder, num_frames=2)).sum().backward()
    assert [n for n, p in small_decoder.named_parameters() if p.grad is None] == []
