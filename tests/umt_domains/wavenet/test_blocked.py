"""Matrix products over blocks compute what the network computes."""

from __future__ import annotations

import pytest
import torch

from umt_domains.wavenet.blocked import BLOCK_SAMPLES, BlockedEncoder
from umt_domains.wavenet.encoder import EncoderNetwork


@pytest.mark.parametrize("num_samples", [1, 10, BLOCK_SAMPLES, 2 * BLOCK_SAMPLES + 3])
def test_blocks_equal_the_network(small_encoder: EncoderNetwork, num_samples: int) -> None:
    wav = torch.rand(1, num_samples, generator=torch.Generator().manual_seed(5)) * 2 - 1
    with torch.no_grad():
        wanted = small_encoder(wav)
    torch.testing.assert_close(BlockedEncoder(small_encoder)(wav), wanted, rtol=1e-5, atol=1e-5)
