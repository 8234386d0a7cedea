"""The encoder on a CPU: its layers as matrix products over short blocks of time.

A layer reads its input at three places and mixes; done for a thousand samples at a time,
everything but the input stays in the processor's cache. Threads share the blocks of a layer.
What is done with a block is in `blocked_layers.py`.

T samples, C channels, L latent channels, F latent frames.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor, nn

from umt_domains.wavenet.blocked_layers import (
    BlockLayer,
    Buffers,
    Float32Layer,
    bias_of,
    taps_of,
)
from umt_domains.wavenet.encoder import EncoderNetwork, heard_input

BLOCK_SAMPLES = 1024
"""512 kB of 128 channels, half of a common second-level cache; whole pairs of any dilation."""

NewLayer = Callable[[nn.Module], BlockLayer]


class BlockedEncoder:
    """Computes what an `EncoderNetwork` computes, for one waveform at a time.

    It takes as many threads as torch has where it is called, with the same result.

    Args:
        network: on the CPU; its weights are copied.
        new_layer: makes each layer, from the network's. The sum of all layers stays float32.
    """

    def __init__(self, network: EncoderNetwork, new_layer: NewLayer = Float32Layer) -> None:
        self._hop = network.config.hop_samples
        self._margin = max(network.config.dilations)
        self._start_3C = taps_of(network.start)[:, 0]
        self._start_bias_C = bias_of(network.start)
        self._layers = [new_layer(layer) for layer in network.layers]
        self._project_CL = taps_of(network.project)[0]
        self._project_bias_L = bias_of(network.project)

    @torch.inference_mode()
    def __call__(self, wav_BT: Tensor) -> Tensor:
        """Latents of one waveform: (1, T) → (1, L, ceil(T / hop))."""
        (heard_T,) = heard_input(wav_BT, self._hop)
        buffers = self._begin(heard_T)
        last = self._margin + len(heard_T)
        starts = range(self._margin, last, BLOCK_SAMPLES)
        num_threads = min(torch.get_num_threads(), len(starts))
        with ThreadPoolExecutor(
            num_threads, "umt-hear", initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            for layer in self._layers:
                # every thread has blocks of its own, and goes from one to the next by itself
                shares = [starts[number::num_threads] for number in range(num_threads)]
                for _ in pool.map(partial(_advance, layer, buffers, last), shares):
                    pass
                buffers = buffers.swapped()
        x_TC = buffers.sum_TC[self._margin : last]
        mean_FC = x_TC.unflatten(0, (-1, self._hop)).mean(1)
        return torch.addmm(self._project_bias_L, mean_FC, self._project_CL).T[None]

    def _begin(self, heard_T: Tensor) -> Buffers:
        """Buffers that hold the output of the first convolution."""
        inside = slice(self._margin, self._margin + len(heard_T))
        sum_TC = torch.zeros(len(heard_T) + 2 * self._margin, len(self._start_bias_C))
        near_T3 = nn.functional.pad(heard_T, (1, 1)).unfold(0, 3, 1)
        torch.addmm(self._start_bias_C, near_T3, self._start_3C, out=sum_TC[inside])
        x_TC = sum_TC.to(self._layers[0].multiplied)  # itself, if it is float32
        return Buffers(x_TC, torch.zeros_like(x_TC), sum_TC)


@torch.inference_mode()  # which is a thread's own affair
def _advance(layer: BlockLayer, buffers: Buffers, last: int, starts: range) -> None:
    """One layer for the blocks that begin at `starts`."""
    for first in starts:
        layer.advance(buffers, first, min(first + BLOCK_SAMPLES, last))
