"""A residual layer of the encoder, for a block of samples at a time.

    x    ···├──── −d ────┤├──── block ────┤├──── +d ────┤···     three slices of one buffer
    y       ReLU(x[−d]·W₀ + x·W₁ + x[+d]·W₂ + b)                one block
    x′   ···              ├ x + y·M + m   ┤               ···

In float32 the arithmetic binds: two outputs that lie d apart share half of what they need, so
that four products do the work of six. In bfloat16 products are so cheap that what is added
around them would cost more than it saves, and digits: there the three slices lie side by side,
and one product takes them all. `engine.hearing_layer` does the same in compiled code.

Source: minimal filtering F(2, 3), Winograd, Arithmetic Complexity of Computations (1980);
Lavin and Gray, arXiv:1509.09308.

T samples, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.wavenet.encoder import ResidualLayer


@dataclass(frozen=True)
class Buffers:
    """A layer's input and output, with room for every layer's padding at both ends."""

    x_TC: Tensor
    """Of the type that is multiplied. Zeros are around the waveform."""
    next_TC: Tensor
    sum_TC: Tensor
    """The residual path in float32. Where `x_TC` is float32, it is that; else it is as `x_TC`
    before a layer, and as `next_TC` after it."""

    def swapped(self) -> Buffers:
        """For the layer that follows."""
        same = self.sum_TC is self.x_TC
        return Buffers(self.next_TC, self.x_TC, self.next_TC if same else self.sum_TC)


class BlockLayer(Protocol):
    """A residual layer, ready for blocks. It may serve several threads at once."""

    multiplied: ClassVar[torch.dtype]
    """Of its input and output."""

    def advance(self, buffers: Buffers, first: int, last: int) -> None:
        """From `x_TC` to `next_TC`, for the samples `first` … `last` − 1 of the buffers."""


class Float32Layer:
    """Four products for every two samples. See `BlockLayer`."""

    multiplied: ClassVar[torch.dtype] = torch.float32

    def __init__(self, layer: nn.Module) -> None:
        assert isinstance(layer, ResidualLayer)
        taps = taps_of(layer.dilated)
        self._dilation = layer.dilated.dilation[0]
        self._taps_3CC = taps
        self._sum_CC = taps.sum(0) / 2
        self._difference_CC = (taps[0] - taps[1] + taps[2]) / 2
        self._bias_C = bias_of(layer.dilated)
        self._mix_CC = taps_of(layer.mix)[0]
        self._mix_bias_C = bias_of(layer.mix)

    def advance(self, buffers: Buffers, first: int, last: int) -> None:
        """One layer for some samples."""
        x_TC, next_TC = buffers.x_TC, buffers.next_TC
        block_TC = x_TC.new_empty(last - first, x_TC.shape[1])
        pair = 2 * self._dilation
        middle = first + (last - first) // pair * pair
        if middle > first:
            self._convolve_pairs(x_TC, block_TC[: middle - first], first, middle)
        if last > middle:
            self._convolve(x_TC, block_TC[middle - first :], middle, last)
        block_TC.relu_()
        torch.addmm(x_TC[first:last], block_TC, self._mix_CC, out=next_TC[first:last])
        next_TC[first:last] += self._mix_bias_C

    def _convolve(self, x_TC: Tensor, out_TC: Tensor, first: int, last: int) -> None:
        """The dilated convolution for any samples."""
        d = self._dilation
        torch.addmm(self._bias_C, x_TC[first - d : last - d], self._taps_3CC[0], out=out_TC)
        out_TC.addmm_(x_TC[first:last], self._taps_3CC[1])
        out_TC.addmm_(x_TC[first + d : last + d], self._taps_3CC[2])

    def _convolve_pairs(self, x_TC: Tensor, out_TC: Tensor, first: int, last: int) -> None:
        """The same for whole pairs of stretches of d samples: y₁ and y₂ of x₀ … x₃.

        y₁ = (x₀ − x₂)·W₀ + p + q    where p = (x₁ + x₂)·(W₀ + W₁ + W₂)/2 + b
        y₂ = p − q − (x₁ − x₃)·W₂    and   q = (x₂ − x₁)·(W₀ − W₁ + W₂)/2
        """
        d, channels = self._dilation, x_TC.shape[1]

        def stretches(shift: int) -> Tensor:
            """As (pairs, 2, d, C)."""
            return x_TC[first + shift : last + shift].view(-1, 2, d, channels)

        x1, x2 = stretches(0).unbind(1)
        x0, x3 = stretches(-d)[:, 0], stretches(d)[:, 1]
        first_tap, _, last_tap = self._taps_3CC
        p_TC = torch.addmm(self._bias_C, (x1 + x2).flatten(0, 1), self._sum_CC)
        q_TC = (x2 - x1).flatten(0, 1) @ self._difference_CC
        y1_TC = (p_TC + q_TC).addmm_((x0 - x2).flatten(0, 1), first_tap)
        y2_TC = p_TC.sub_(q_TC).addmm_((x1 - x3).flatten(0, 1), last_tap, alpha=-1)
        out = out_TC.view(-1, 2, d, channels)
        out[:, 0], out[:, 1] = y1_TC.view(-1, d, channels), y2_TC.view(-1, d, channels)


class BFloat16Layer:
    """Products of bfloat16, added up in float32. See `BlockLayer`."""

    multiplied: ClassVar[torch.dtype] = torch.bfloat16

    def __init__(self, layer: nn.Module) -> None:
        assert isinstance(layer, ResidualLayer)
        self._dilation = layer.dilated.dilation[0]
        # (out, in), as `linear` wants them
        self._taps = taps_of(layer.dilated).flatten(0, 1).T.contiguous().bfloat16()
        self._bias_C = bias_of(layer.dilated).bfloat16()
        self._mix_CC = taps_of(layer.mix)[0].T.contiguous().bfloat16()
        self._mix_bias_C = bias_of(layer.mix).bfloat16()

    def advance(self, buffers: Buffers, first: int, last: int) -> None:
        """One layer for some samples."""
        x_TC, sum_TC = buffers.x_TC, buffers.sum_TC[first:last]
        slices = [x_TC[first + shift : last + shift] for shift in self._shifts]
        y_TC = functional.linear(torch.cat(slices, dim=1), self._taps, self._bias_C).relu_()
        sum_TC += functional.linear(y_TC, self._mix_CC, self._mix_bias_C)
        buffers.next_TC[first:last] = sum_TC

    @property
    def _shifts(self) -> tuple[int, int, int]:
        return -self._dilation, 0, self._dilation


def taps_of(conv: nn.Conv1d) -> Tensor:
    """A convolution's weights as one (in, out) matrix a tap: (k, in, out)."""
    return conv.weight.detach().permute(2, 1, 0).contiguous()


def bias_of(conv: nn.Conv1d) -> Tensor:
    """A convolution's bias: (out,)."""
    assert conv.bias is not None
    return conv.bias.detach().clone()
