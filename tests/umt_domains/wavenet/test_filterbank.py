"""An encoder's layers as a filter bank: what passes, how loud it is told to be, and what for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from umt_domains.wavenet.config import EncoderConfig
from umt_domains.wavenet.encoder import EncoderNetwork, ResidualLayer
from umt_domains.wavenet.filterbank import FAINTEST, can_be_filters, filters, middles, tune
from umt_domains.wavenet.learning import WavenetLearning
from umt_domains.wavenet.whitening import whiten

RATE = 8000
SIZES = EncoderConfig(
    blocks=2, layers=7, channels=24, latent_channels=12, sample_rate=RATE, hop_samples=200
)
SECOND = torch.arange(RATE, dtype=torch.float64) / RATE


def tuned(**sizes: int) -> EncoderNetwork:
    torch.manual_seed(1)
    network = EncoderNetwork(EncoderConfig(**{**vars(SIZES), **sizes}))
    tune(network)
    return network


@torch.no_grad()
def through(network: EncoderNetwork, wav_T: Tensor, blocks: int) -> Tensor:
    """All channels after some blocks: (C, T)."""
    x: Tensor = network.start(wav_T.float()[None, None])
    for layer in network.layers[: blocks * network.config.layers]:
        x = layer(x)
    return x[0]


def inside(x: Tensor) -> Tensor:
    """What no end of the waveform reaches."""
    return x[..., RATE // 4 : -RATE // 4]


@pytest.mark.parametrize("band", [0, 1, 5, 11])
def test_a_band_lets_its_middle_through_as_it_is(band: int) -> None:
    network = tuned()
    hertz = middles(RATE, 7, 12)[band]
    tone = 0.3 * torch.sin(2 * math.pi * hertz * SECOND)
    filtered = through(network, tone, blocks=1)
    assert torch.allclose(inside(filtered[band]), inside(tone).float(), atol=2e-3)
    assert not filtered[12:].any()


def test_what_passes_beside_a_band_is_little() -> None:
    # against the window that a block reaches over, by its whole response
    hertz_N = torch.arange(0, RATE // 2, 5, dtype=torch.float64)
    middle_K = middles(RATE, 8, 24)
    taps = torch.arange(-255, 256, dtype=torch.float64)
    triangle = 1 - taps.abs() / 256
    passing_NK = torch.ones(len(hertz_N), 24, dtype=torch.float64)
    for dilation in 2.0 ** torch.arange(8):
        side, centre, other = filters(middle_K, float(dilation) / RATE).double().T
        assert torch.equal(side, other)
        turn_N = 2 * math.pi * hertz_N * dilation / RATE
        passing_NK *= centre + 2 * side * torch.cos(turn_N)[:, None]
    for band, middle in enumerate(middle_K):
        kernel = triangle * torch.cos(2 * math.pi * middle * taps / RATE)
        window_N = torch.cos(2 * math.pi * hertz_N[:, None] * taps / RATE) @ kernel
        window_N /= window_N.abs().max()
        beside = (hertz_N - middle).abs() > RATE / 256
        passed = passing_NK[beside, band].square().sum() / window_N[~beside].square().sum()
        assert passed < 0.1
        assert passing_NK[:, band].abs().max() < 1.2


def test_bands_lie_one_after_another_up_to_half_the_sample_rate() -> None:
    assert middles(RATE, 8, 24).tolist() == [31.25 * k for k in range(5, 29)]
    assert middles(RATE, 3, 24).tolist() == [1000, 2000, 3000]
    assert middles(16_000, 10, 64)[0] == 156.25


@pytest.mark.parametrize("band", [0, 7])
def test_loudness_rises_alike_with_every_doubling(band: int) -> None:
    network = tuned()
    tone = torch.sin(2 * math.pi * middles(RATE, 7, 12)[band] * SECOND)
    loudness = [
        inside(through(network, amplitude * tone, blocks=2)[12 + band]).mean().item()
        for amplitude in (0.0, *(2 * FAINTEST * 2**k for k in range(5)))
    ]
    silent, *heard = loudness
    rises = [b - a for a, b in pairwise(heard)]
    assert silent == 0
    # a straight piece from a threshold to twice it rises by a half
    assert rises == pytest.approx([0.5] * 4, abs=0.05)


PURE = (1.0, 0.2)
RICH = (0.3, 0.6, 0.5, 0.4)


def tones(amplitudes: Sequence[float]) -> Tensor:
    """Two octaves from 165 Hz, by semitones, with partials of these amplitudes: (25, 4000)."""
    hertz_B1 = 165 * 2 ** (torch.arange(25)[:, None] / 12)
    time = torch.arange(4000) / RATE
    partials = [
        amplitude * torch.sin(2 * math.pi * h * hertz_B1 * time + h)
        for h, amplitude in enumerate(amplitudes, start=1)
    ]
    return 0.1 * torch.stack(partials).sum(0)


@torch.no_grad()
def recognised(network: EncoderNetwork) -> float:
    """The share of rich tones whose latents are most like those of the purer tone as high."""
    pure, rich = (network(tones(partials))[..., 5:15].mean(-1) for partials in (PURE, RICH))
    nearest = torch.cdist(rich, pure).argmin(1)
    return float((nearest == torch.arange(25)).float().mean())


def test_one_instruments_latents_are_like_anothers() -> None:
    learning = WavenetLearning(RATE, hop_samples=200, latent_channels=24)
    music = torch.cat([tones(PURE), tones(RICH)])
    torch.manual_seed(1)
    sizes = {"blocks": 2, "layers": 8, "channels": 48}
    filters, chance = learning.new_encoder(sizes), learning.new_encoder(sizes)
    learning.settle(filters, music)
    whiten(chance, music)
    assert recognised(filters) > 0.8
    assert recognised(chance) < 0.2


def test_further_blocks_add_nothing_at_first() -> None:
    tone = 0.2 * torch.sin(2 * math.pi * 300 * SECOND)
    network = tuned(blocks=3)
    assert torch.equal(through(network, tone, blocks=3), through(network, tone, blocks=2))


@pytest.mark.parametrize("sizes", [{"blocks": 3}, {"channels": 40, "layers": 5}, {"layers": 10}])
def test_units_of_every_layer_can_learn(sizes: dict[str, int]) -> None:
    network = tuned(**sizes)
    # loud enough for every threshold, in every band
    middle_K1 = middles(RATE, network.config.layers, network.config.channels // 2)[:, None]
    loud_KT = 0.9 * torch.sin(2 * math.pi * middle_K1 * SECOND[:4000]).float()
    network(loud_KT).square().sum().backward()
    for layer in network.layers:
        assert isinstance(layer, ResidualLayer)
        assert layer.mix.weight.grad is not None
        # of units that chance made, some have a bias that keeps them off
        assert (layer.mix.weight.grad != 0).any(0).float().mean() > 0.4


@pytest.mark.parametrize("sizes", [{"channels": 2}, {"channels": 7}, {"layers": 2}])
def test_small_encoders_are_filters_too(sizes: dict[str, int]) -> None:
    network = tuned(**sizes)
    assert can_be_filters(network)
    with torch.no_grad():
        assert network(tones(RICH)).std(0).min() > 0


@pytest.mark.parametrize("sizes", [{"blocks": 1}, {"channels": 1}, {"layers": 1}])
def test_what_cannot_be_filters_stays_as_chance_made_it(sizes: dict[str, int]) -> None:
    torch.manual_seed(1)
    network = EncoderNetwork(EncoderConfig(**{**vars(SIZES), **sizes}))
    assert not can_be_filters(network)
    before = [p.clone() for p in network.layers.parameters()]
    WavenetLearning(RATE, SIZES.hop_samples, SIZES.latent_channels).settle(network, tones(PURE))
    assert all(map(torch.equal, before, network.layers.parameters()))
