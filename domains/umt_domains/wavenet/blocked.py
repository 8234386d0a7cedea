"""The encoder on a CPU: its layers as matrix products over short blocks of time.

A layer reads its input at three places and mixes; done for a thousand samples at a time,
everything but the input stays in the processor's cache.

    x    ···├──── −d ────┤├──── block ────┤├──── +d ────┤···     three slices of one buffer
    y       ReLU(x[−d]·W₀ + x·W₁ + x[+d]·W₂ + b)                one block
    x′   ···              ├ x + y·M + m   ┤               ···

Two outputs that lie d apart share half of what they need, so that four products do the work
of six.

Source: minimal filtering F(2, 3), Winograd, Arithmetic Complexity of Computations (1980);
Lavin and Gray, arXiv:1509.09308.

T samples, C channels, L latent channels, F latent frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from umt_domains.wavenet.encoder import EncoderNetwork, ResidualLayer, heard_input

BLOCK_SAMPLES = 1024
"""512 kB of 128 channels, half of a common second-level cache; whole pairs of any dilation."""


@dataclass(frozen=True)
class _Layer:
    dilation: int
    taps_3CC: Tensor
    sum_CC: Tensor
    difference_CC: Tensor
    bias_C: Tensor
    mix_CC: Tensor
    mix_bias_C: Tensor

    @classmethod
    def of(cls, layer: nn.Module) -> _Layer:
        assert isinstance(layer, ResidualLayer)
        dilated, mix = layer.dilated, layer.mix
        taps = _taps(dilated)
        return cls(
            dilation=dilated.dilation[0],
            taps_3CC=taps,
            sum_CC=taps.sum(0) / 2,
            difference_CC=(taps[0] - taps[1] + taps[2]) / 2,
            bias_C=_bias(dilated),
            mix_CC=_taps(mix)[0],
            mix_bias_C=_bias(mix),
        )


class BlockedEncoder:
    """Computes what an `EncoderNetwork` computes, for one waveform at a time.

    Args:
        network: on the CPU; its weights are copied.
    """

    def __init__(self, network: EncoderNetwork) -> None:
        self._hop = network.config.hop_samples
        self._margin = max(network.config.dilations)
        self._start_3C = _taps(network.start)[:, 0]
        self._start_bias_C = _bias(network.start)
        self._layers = [_Layer.of(layer) for layer in network.layers]
        self._project_CL = _taps(network.project)[0]
        self._project_bias_L = _bias(network.project)

    @torch.inference_mode()
    def __call__(self, wav_BT: Tensor) -> Tensor:
        """Latents of one waveform: (1, T) → (1, L, ceil(T / hop))."""
        (heard_T,) = heard_input(wav_BT, self._hop)
        num_samples, channels = len(heard_T), len(self._start_bias_C)
        # zeros around the waveform are every layer's padding
        x_TC = torch.zeros(num_samples + 2 * self._margin, channels)
        next_TC = torch.zeros_like(x_TC)
        inside = slice(self._margin, self._margin + num_samples)
        near_T3 = nn.functional.pad(heard_T, (1, 1)).unfold(0, 3, 1)
        torch.addmm(self._start_bias_C, near_T3, self._start_3C, out=x_TC[inside])
        block_TC = torch.empty(BLOCK_SAMPLES, channels)
        for layer in self._layers:
            for first in range(self._margin, self._margin + num_samples, BLOCK_SAMPLES):
                last = min(first + BLOCK_SAMPLES, self._margin + num_samples)
                _advance(layer, x_TC, next_TC, block_TC[: last - first], first, last)
            x_TC, next_TC = next_TC, x_TC
        mean_FC = x_TC[inside].unflatten(0, (-1, self._hop)).mean(1)
        return torch.addmm(self._project_bias_L, mean_FC, self._project_CL).T[None]


def _advance(
    layer: _Layer, x_TC: Tensor, next_TC: Tensor, block_TC: Tensor, first: int, last: int
) -> None:
    """One layer for the samples `first` … `last` − 1."""
    pair = 2 * layer.dilation
    middle = first + (last - first) // pair * pair
    if middle > first:
        _convolve_pairs(layer, x_TC, block_TC[: middle - first], first, middle)
    if last > middle:
        _convolve(layer, x_TC, block_TC[middle - first :], middle, last)
    block_TC.relu_()
    torch.addmm(x_TC[first:last], block_TC, layer.mix_CC, out=next_TC[first:last])
    next_TC[first:last] += layer.mix_bias_C


def _convolve(layer: _Layer, x_TC: Tensor, out_TC: Tensor, first: int, last: int) -> None:
    """The dilated convolution for any samples."""
    d = layer.dilation
    torch.addmm(layer.bias_C, x_TC[first - d : last - d], layer.taps_3CC[0], out=out_TC)
    out_TC.addmm_(x_TC[first:last], layer.taps_3CC[1])
    out_TC.addmm_(x_TC[first + d : last + d], layer.taps_3CC[2])


def _convolve_pairs(layer: _Layer, x_TC: Tensor, out_TC: Tensor, first: int, last: int) -> None:
    """The same for whole pairs of stretches of d samples: y₁ and y₂ of x₀ … x₃.

    y₁ = (x₀ − x₂)·W₀ + p + q    where p = (x₁ + x₂)·(W₀ + W₁ + W₂)/2 + b
    y₂ = p − q − (x₁ − x₃)·W₂    and   q = (x₂ − x₁)·(W₀ − W₁ + W₂)/2
    """
    d, channels = layer.dilation, x_TC.shape[1]

    def stretches(shift: int) -> Tensor:
        """As (pairs, 2, d, C)."""
        return x_TC[first + shift : last + shift].view(-1, 2, d, channels)

    x1, x2 = stretches(0).unbind(1)
    x0, x3 = stretches(-d)[:, 0], stretches(d)[:, 1]
    first_tap, _, last_tap = layer.taps_3CC
    p_TC = torch.addmm(layer.bias_C, (x1 + x2).flatten(0, 1), layer.sum_CC)
    q_TC = (x2 - x1).flatten(0, 1) @ layer.difference_CC
    y1_TC = (p_TC + q_TC).addmm_((x0 - x2).flatten(0, 1), first_tap)
    y2_TC = p_TC.sub_(q_TC).addmm_((x1 - x3).flatten(0, 1), last_tap, alpha=-1)
    out = out_TC.view(-1, 2, d, channels)
    out[:, 0], out[:, 1] = y1_TC.view(-1, d, channels), y2_TC.view(-1, d, channels)


def _taps(conv: nn.Conv1d) -> Tensor:
    """A convolution's weights as one (in, out) matrix a tap: (k, in, out)."""
    return conv.weight.detach().permute(2, 1, 0).contiguous()


def _bias(conv: nn.Conv1d) -> Tensor:
    assert conv.bias is not None
    return conv.bias.detach().clone()
