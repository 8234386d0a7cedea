"""Matrix products over blocks compute what the network computes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.wavenet.blocked import BLOCK_SAMPLES, BlockedEncoder, NewLayer
from umt_domains.wavenet.blocked_layers import BFloat16Layer, Buffers, Float32Layer
from umt_domains.wavenet.config import EncoderConfig
from umt_domains.wavenet.encoder import EncoderNetwork, ResidualLayer
from umt_domains.wavenet.engine.hearing_layer import CompiledLayer
from umt_domains.wavenet.engine.kernel import build
from umt_domains.wavenet.engine.kinds import AVX512_BF16
from umt_domains.wavenet.engine.machine import Engine, engine_of
from umtcli.pipeline.device import torch_threads


@cache
def emulated() -> Engine:
    """Of bfloat16, with a micro-kernel that any machine can run."""
    return engine_of(build(replace(AVX512_BF16, emulated=True)))


def compiled_layer(layer: nn.Module) -> CompiledLayer:
    return CompiledLayer(layer, emulated())


def test_a_compiled_layer_rounds_what_it_multiplies_and_nothing_else() -> None:
    torch.manual_seed(3)
    layer = ResidualLayer(32, dilation=5)
    x_TC = torch.randn(5 + 300 + 5, 32).bfloat16()
    sum_TC = torch.randn(310, 32)
    wanted_TC = expected(layer, x_TC, sum_TC)
    buffers = Buffers(x_TC, torch.zeros_like(x_TC), sum_TC.clone())
    compiled_layer(layer).advance(buffers, 5, 305)
    # where a sum lies between two numbers of bfloat16, it may be rounded to either
    torch.testing.assert_close(buffers.sum_TC[5:305].double(), wanted_TC, rtol=0, atol=2e-3)
    assert float((buffers.sum_TC[5:305] - wanted_TC).abs().median()) < 1e-6
    assert torch.equal(buffers.next_TC[5:305], buffers.sum_TC[5:305].bfloat16())
    for outside in (slice(None, 5), slice(305, None)):
        assert torch.equal(buffers.sum_TC[outside], sum_TC[outside])
        assert not buffers.next_TC[outside].any()


def expected(layer: ResidualLayer, x_TC: Tensor, sum_TC: Tensor) -> Tensor:
    """What a layer adds to the sum, in float64 but for what is multiplied: all but its margins."""
    halved = [p.detach().bfloat16().double() for p in (layer.dilated.weight, layer.mix.weight)]
    biases = [b.detach().double() for b in (layer.dilated.bias, layer.mix.bias) if b is not None]
    y = functional.conv1d(x_TC.double().T, halved[0], biases[0], dilation=layer.dilated.dilation)
    y = functional.conv1d(y.relu().bfloat16().double(), halved[1], biases[1])
    margin = layer.dilated.dilation[0]
    return sum_TC[margin:-margin].double() + y.T


@pytest.mark.parametrize("num_samples", [1, 10, BLOCK_SAMPLES, 2 * BLOCK_SAMPLES + 3])
def test_blocks_equal_the_network(small_encoder: EncoderNetwork, num_samples: int) -> None:
    wav = torch.rand(1, num_samples, generator=torch.Generator().manual_seed(5)) * 2 - 1
    with torch.no_grad():
        wanted = small_encoder(wav)
    torch.testing.assert_close(BlockedEncoder(small_encoder)(wav), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("new_layer", [BFloat16Layer, compiled_layer])
@pytest.mark.parametrize("num_samples", [1, 10, BLOCK_SAMPLES, 3 * BLOCK_SAMPLES + 3])
def test_bfloat16_is_within_a_hundredth_of_float64(num_samples: int, new_layer: NewLayer) -> None:
    torch.manual_seed(8)
    network = EncoderNetwork(EncoderConfig(hop_samples=100))  # of the published depth and width
    wav = torch.rand(1, num_samples, generator=torch.Generator().manual_seed(5)) * 2 - 1
    halved = BlockedEncoder(network, new_layer)(wav)
    with torch.no_grad():
        wanted = network.double()(wav)
    error = float((halved - wanted).norm() / wanted.norm())
    assert 1e-5 < error < 0.01  # less would not be bfloat16's


@pytest.mark.parametrize("new_layer", [Float32Layer, BFloat16Layer, compiled_layer])
def test_threads_share_the_blocks_and_change_nothing(new_layer: NewLayer) -> None:
    torch.manual_seed(8)
    network = EncoderNetwork(EncoderConfig(blocks=1, layers=4, channels=32, hop_samples=10))
    wav = torch.rand(1, 5 * BLOCK_SAMPLES + 70, generator=torch.Generator().manual_seed(5)) - 0.5
    encoder = BlockedEncoder(network, new_layer)
    alone = encoder(wav)
    for num_threads in (2, 3, 9):
        with torch_threads(num_threads):
            assert torch.equal(encoder(wav), alone)
