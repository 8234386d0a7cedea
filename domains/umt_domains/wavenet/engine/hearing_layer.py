"""A residual layer of the encoder in compiled code, by the sampler's micro-kernel.

What `blocked_layers.BFloat16Layer` does in five passes over a block is done here for so few
samples at a time that they never leave the first cache, and nothing is laid side by side.

T samples, C channels, P panels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import nn

from umt_domains.wavenet.blocked_layers import Buffers, bias_of, taps_of
from umt_domains.wavenet.encoder import ResidualLayer
from umt_domains.wavenet.engine.compiling import Bytes, Floats, Words, compiled, telling_of_it
from umt_domains.wavenet.engine.machine import Engine
from umt_domains.wavenet.engine.packing import panels
from umt_domains.wavenet.engine.products import Slot, add_words
from umt_domains.wavenet.engine.rounding import half, halve

TILE_SAMPLES = 128
"""Of 128 channels: 64 kB of sums, beside panels of 8 kB."""
TAPS = 3


class LayerWeights(NamedTuple):
    """A layer's weights, packed for a slot of bfloat16."""

    dilation: int
    taps_3PB: Bytes
    bias_C: Floats
    mix_PB: Bytes
    mix_bias_C: Floats


@compiled
def hear(
    slot: Slot,
    weights: LayerWeights,
    x: int,
    sum_TC: Floats,
    next_TW: Words,
    y_TC: Floats,
    y_words: Words,
) -> None:
    """One layer for some samples, tile by tile.

    Args:
        slot: what multiplies bfloat16.
        weights: packed for it.
        x: address of the first sample's words; rows of them lie before and behind.
        sum_TC: the residual path, moved on.
        next_TW: receives it as bfloat16.
        y_TC: spoiled; as long as a tile.
        y_words: spoiled; as much of bfloat16.
    """
    num_samples, channels = sum_TC.shape
    depth, zero = channels // slot.packed, np.float32(0)
    halves = y_words.view(np.uint16)
    for first in range(0, num_samples, len(y_TC)):
        end = min(first + len(y_TC), num_samples)
        tile_TC, sums_TC = y_TC[: end - first], sum_TC[first:end]
        for t in range(len(tile_TC)):
            y_C = tile_TC[t]
            for c in range(channels):
                y_C[c] = weights.bias_C[c]
        for tap in range(TAPS):
            row = first + (tap - 1) * weights.dilation
            add_words(slot, tile_TC, x + 4 * row * depth, depth, depth, weights.taps_3PB[tap])
        for t in range(len(tile_TC)):
            y_C, y_halves, sum_C = tile_TC[t], halves[t * channels :], sums_TC[t]
            for c in range(channels):
                y_halves[c] = half(max(y_C[c], zero))
                sum_C[c] += weights.mix_bias_C[c]
        add_words(slot, sums_TC, y_words.ctypes.data, depth, depth, weights.mix_PB)
        for t in range(len(tile_TC)):
            halve(sums_TC[t : t + 1], channels, next_TW[first + t])


def compiled_layers(engine: Engine) -> Callable[[nn.Module], CompiledLayer]:
    """What makes layers for an engine; their code is compiled now, and it is told of."""
    width = engine.kernel.kind.width
    with telling_of_it():
        layer = CompiledLayer(ResidualLayer(width, dilation=1), engine)
        x_TC = torch.zeros(3, width, dtype=torch.bfloat16)
        layer.advance(Buffers(x_TC, torch.zeros_like(x_TC), torch.zeros(3, width)), 1, 2)
    return partial(CompiledLayer, engine=engine)


class CompiledLayer:
    """Products of bfloat16, added up in float32. See `blocked_layers.BlockLayer`.

    Args:
        layer: a `ResidualLayer` whose channels fill whole panels.
        engine: of bfloat16.
    """

    multiplied: ClassVar[torch.dtype] = torch.bfloat16

    def __init__(self, layer: nn.Module, engine: Engine) -> None:
        assert isinstance(layer, ResidualLayer)
        kind = engine.kernel.kind
        self._engine = engine  # whose code is freed with it
        self._weights = LayerWeights(
            dilation=layer.dilated.dilation[0],
            taps_3PB=panels(taps_of(layer.dilated).numpy(), kind),
            bias_C=bias_of(layer.dilated).numpy(),
            mix_PB=panels(taps_of(layer.mix)[0].numpy(), kind),
            mix_bias_C=bias_of(layer.mix).numpy(),
        )

    def advance(self, buffers: Buffers, first: int, last: int) -> None:
        """One layer for some samples."""
        channels = len(self._weights.bias_C)
        hear(
            self._engine.slot,
            self._weights,
            buffers.x_TC[first:].data_ptr(),
            buffers.sum_TC.numpy()[first:last],
            buffers.next_TC.view(torch.int32).numpy()[first:last],
            np.empty((TILE_SAMPLES, channels), np.float32),
            np.empty(TILE_SAMPLES * channels // 2, np.int32),
        )
