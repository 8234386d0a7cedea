"""A beginning for the encoder's layers: a filter bank, and how loud each of its bands is.

Random layers hear pitches, but not alike from two instruments: decoders that are taught on what
they make of one know nothing of the others, and few steps change little about it. A spectrum is
much more alike. The layers of an encoder can be one, as they are:

    first block     x ← x + mix(ReLU(dilated(x)))  band by band, with a filter that lets the
                    band's middle through as it is, and stops its mirror at this dilation
    second block    adds up how far a band is above one threshold after another, each twice the
                    last: a logarithm in straight pieces
    further blocks  add nothing at first, nor does any unit that is left over

A band is about as wide as that of a triangular window over the block's reach. Of white noise 0.3
to 7 % as much gets through beside it as within; a window lets 0.3 % through. As many channels as
carry bands carry their loudness, which the mean over a frame then smoothes.

C channels, K bands, L layers of a block.

Source: ours. A filter is (cos ω + c) / 2c at ω = 2π·f·dilation / sample rate, with c = cos ω of
the middle: 1 there, 0 where cos ω = −c.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from umt_domains.wavenet.encoder import EncoderNetwork, ResidualLayer

LOWEST_HZ = 150.0
"""The lowest band lies here or a little above. Most melodies' fundamentals do."""
LEAST_COSINE = 0.05
"""Of |c|: a band midway between what a dilation passes and what it stops passes as it is."""
FULL_SCALE = 0.5
"""Of what the network sees, after µ-law."""
FAINTEST = 0.008
"""The first threshold above nothing. A pitch probe that was taught on one instrument told 0.65 of
three others' frames with it, 0.69 with half of it, 0.56 with four times as much; in bfloat16 the
same within 0.03."""
AS_IT_IS = torch.tensor([0.0, 1.0, 0.0])
"""Taps that change nothing."""


def can_be_filters(encoder: EncoderNetwork) -> bool:
    """Whether it has the layers and channels for it."""
    return encoder.config.blocks > 1 and len(_middles(encoder)) > 0


@torch.no_grad()
def tune(encoder: EncoderNetwork) -> None:
    """Make an encoder's layers a filter bank; its projection stays.

    Units that have no part in it stay as chance made them, and add nothing.

    Args:
        encoder: one that can be; changed in place.
    """
    config, middle_K = encoder.config, _middles(encoder)
    num_bands = len(middle_K)
    for parameter in encoder.start.parameters():
        parameter.zero_()
    encoder.start.weight[:num_bands, 0, 1] = 1
    slope = 0.0
    for number, dilation in enumerate(config.dilations):
        layer = encoder.layers[number]
        assert isinstance(layer, ResidualLayer)
        for parameter in layer.mix.parameters():
            parameter.zero_()
        doublings = number - config.layers
        if doublings < 0:
            _filter(layer, filters(middle_K, dilation / config.sample_rate))
            continue
        upper = FAINTEST * 2**doublings
        threshold = upper / 2 if doublings else 0.0
        if number < 2 * config.layers and threshold < FULL_SCALE:
            _rise(layer, num_bands, threshold, 1 / upper - slope)
            slope = 1 / upper


def _filter(layer: ResidualLayer, taps_K3: Tensor) -> None:
    """Let a layer filter the first K channels; bands that pass as they are take no units."""
    change_K3 = (taps_K3 - AS_IT_IS).to(layer.dilated.weight)
    changed = change_K3.any(1).nonzero()[:, 0]
    for units, sign in ((changed, 1), (changed + len(taps_K3), -1)):
        _take(layer, units)
        layer.dilated.weight[units, changed] = sign * change_K3[changed]
        layer.mix.weight[changed, units, 0] = sign


def _rise(layer: ResidualLayer, num_bands: int, threshold: float, slope: float) -> None:
    """Let a layer add to the loudness of bands what they are above a threshold, times a slope."""
    bands = torch.arange(num_bands, device=layer.dilated.weight.device)
    gain = math.sqrt(abs(slope))  # in both weights alike, for training to find them
    for units, sign in ((bands, 1), (bands + num_bands, -1)):
        _take(layer, units, bias=-gain * threshold)
        layer.dilated.weight[units, bands, 1] = sign * gain
        layer.mix.weight[bands + num_bands, units, 0] = math.copysign(gain, slope)


def _take(layer: ResidualLayer, units: Tensor, bias: float = 0.0) -> None:
    """Units that chance has no more part in."""
    assert layer.dilated.bias is not None
    layer.dilated.weight[units] = 0
    layer.dilated.bias[units] = bias


def _middles(encoder: EncoderNetwork) -> Tensor:
    config = encoder.config
    return middles(config.sample_rate, config.layers, config.channels // 2)


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
    between_K1 = cosine_K[:, None].abs() < LEAST_COSINE
    chosen_K3: Tensor = torch.where(between_K1, AS_IT_IS.double(), taps_K3)
    return chosen_K3.float()
