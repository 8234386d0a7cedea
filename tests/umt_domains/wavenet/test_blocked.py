"""Matrix products over blocks compute what the network computes."""

from __future__ import annotations

import pytest
import torch

from umt_domains.wavenet.blocked import BLOCK_SAMPLES, BlockedEncoder
from umt_domains.wavenet.config import EncoderConfig
from umt_domains.wavenet.encoder import EncoderNetwork
from umtcli.pipeline.device import torch_threads


@pytest.mark.parametrize("num_samples", [1, 10, BLOCK_SAMPLES, 2 * BLOCK_SAMPLES + 3])
def test_blocks_equal_the_network(small_encoder: EncoderNetwork, num_samples: int) -> None:
    wav = torch.rand(1, num_samples, generator=torch.Generator().manual_seed(5)) * 2 - 1
    with torch.no_grad():
        wanted = small_encoder(wav)
    torch.testing.assert_close(BlockedEncoder(small_encoder)(wav), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num_samples", [1, 10, BLOCK_SAMPLES, 3 * BLOCK_SAMPLES + 3])
def test_bfloat16_is_within_a_hundredth_of_float64(num_samples: int) -> None:
    torch.manual_seed(8)
    network = EncoderNetwork(EncoderConfig(hop_samples=100))  # of the published depth and width
    wav = torch.rand(1, num_samples, generator=torch.Generator().manual_seed(5)) * 2 - 1
    halved = BlockedEncoder(network, bfloat16=True)(wav)
    with torch.no_grad():
        wanted = network.double()(wav)
    error = float((halved - wanted).norm() / wanted.norm())
    assert 1e-5 < error < 0.01  # less would not be bfloat16's


@pytest.mark.parametrize("bfloat16", [False, True])
def test_threads_share_the_blocks_and_change_nothing(
    small_encoder: EncoderNetwork, bfloat16: bool
) -> None:
    wav = torch.rand(1, 5 * BLOCK_SAMPLES + 70, generator=torch.Generator().manual_seed(5)) - 0.5
    encoder = BlockedEncoder(small_encoder, bfloat16=bfloat16)
    alone = encoder(wav)
    for num_threads in (2, 3, 9):
        with torch_threads(num_threads):
            assert torch.equal(encoder(wav), alone)
