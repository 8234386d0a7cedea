"""A beginning for the encoder's layers: a filter bank, and how loud each of its bands is.

Random layers hear pitches, but not alike from two instruments: decoders that are taught on what
they make of one know nothing of the others, and few steps change little about it. A spectrum is
much more alike. The layers of an encoder can be one, as they are:

    first block     x ← x + mix(ReLU(dilated(x)))  band by band, with a filter that lets the
                    band's middle through as it is, and stops its mirror at this dilation
    second block    adds up how far a band is above one threshold after another, each twice the
                    last: a logarithm in straight pieces
    further blocks  add nothing at first

All layers together are nearly as selective as a triangular window over the block's reach: what
gets through beside a band is a quarter more. Half of the channels carry bands, the other half
their loudness, which the mean over a frame then smoothes.

C channels, K bands, L layers of a block.

Source: ours. A filter is (cos ω + c) / 2c at ω = 2π·f·dilation / sample rate, with c = cos ω of
the middle: 1 there, 0 where cos ω = −c. Numerically optimized cascades of three taps come out
much the same, and let a fifth less through.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from umt_domains.wavenet.encoder import EncoderNetwork, ResidualLayer

LOWEST_HZ = 150.0
"""The lowest band lies here or a little above. Most melodies' fundamentals do."""
STEEPEST = 0.05
"""Of |c|: a band that lies between what a dilation tells apart is let through as it is."""
FAINTEST = 0.004
"""The first threshold, as an amplitude of what the network sees, half of full scale being 0.5."""


def can_be_filters(encoder: EncoderNetwork) -> bool:
    """Whether it has the layers and channels for it."""
    config = encoder.config
    return config.blocks > 1 and config.channels > 1


@torch.no_grad()
def tune(encoder: EncoderNetwork) -> None:
    """Make an encoder's layers a filter bank; its projection stays.

    Args:
        encoder: of two blocks or more; changed in place.
    """
    config = encoder.config
    for module in (encoder.start, encoder.layers):
        for parameter in module.parameters():
            parameter.zero_()
    middle_K = middles(config.sample_rate, config.layers, config.channels // 2)
    num_bands = len(middle_K)
    encoder.start.weight[:num_bands, 0, 1] = 1
    slope = 0.0
    for number, dilation in enumerate(config.dilations[: 2 * config.layers]):
        layer = encoder.layers[number]
        assert isinstance(layer, ResidualLayer)
        if number < config.layers:
            _filter(layer, filters(middle_K, dilation / config.sample_rate))
            continue
        doublings = number - config.layers
        steeper = 1 / (FAINTEST * 2 ** (doublings + 1)) - slope
        slope += steeper
        _rise(layer, num_bands, FAINTEST * 2**doublings if doublings else 0.0, steeper)


def _filter(layer: ResidualLayer, taps_K3: Tensor) -> None:
    """Let a layer filter the first K channels."""
    change_K3 = taps_K3 - torch.tensor([0.0, 1, 0])
    for units, bands, sign in _halves(len(taps_K3)):
        layer.dilated.weight[units, bands] = sign * change_K3
        layer.mix.weight[bands, units, 0] = sign


def _rise(layer: ResidualLayer, num_bands: int, threshold: float, slope: float) -> None:
    """Let a layer add to the loudness of bands what they are above a threshold, times a slope."""
    assert layer.dilated.bias is not None
    gain = math.sqrt(abs(slope))  # in both weights alike, for training to find them
    for units, bands, sign in _halves(num_bands):
        layer.dilated.weight[units, bands, 1] = sign * gain
        layer.dilated.bias[units] = -gain * threshold
        layer.mix.weight[bands + num_bands, units, 0] = math.copysign(gain, slope)


def _halves(num_bands: int) -> Iterable[tuple[Tensor, Tensor, int]]:
    """Units for what is positive in each band and for what is negative, and the sign of both."""
    bands = torch.arange(num_bands)
    return (bands, bands, 1), (bands + num_bands, bands, -1)


def middles(sample_rate: int, layers: int, most: int) -> Tensor:
    """Middles of the bands in Hz, one after another, (K,).

    Args:
        sample_rate: in Hz.
        layers: L of a block, whose dilations are 1 … 2^(L − 1).
        most: bands; there are fewer where half of the sample rate comes first.
    """
    apart_hz: float = sample_rate / 2**layers
    lowest = max(1, math.ceil(LOWEST_HZ / apart_hz))
    numbers = torch.arange(lowest, min(lowest + most, 2 ** (layers - 1)), dtype=torch.float64)
    return apart_hz * numbers


def filters(middle_K: Tensor, dilation_s: float) -> Tensor:
    """Three taps for each band, (K, 3), that are `dilation_s` apart."""
    cosine_K = torch.cos(2 * math.pi * middle_K * dilation_s)
    side_K = 1 / (4 * cosine_K)
    taps_K3 = torch.stack([side_K, torch.full_like(side_K, 0.5), side_K], dim=1)
    as_it_is = torch.tensor([0.0, 1, 0], dtype=taps_K3.dtype)
    between_K1 = cosine_K[:, None].abs() < STEEPEST
    chosen_K3: Tensor = torch.where(between_K1, as_it_is, taps_K3)
    return chosen_K3.float()
