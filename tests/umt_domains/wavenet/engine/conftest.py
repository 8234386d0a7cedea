"""Kinds of micro-kernels that any machine can run, and a decoder that knows what it wants."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch

from umt_domains.wavenet import mulaw
from umt_domains.wavenet.config import DecoderConfig
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.engine.kernel import AVX2, AVX512, AVX512_BF16, Kernel, build
from umt_domains.wavenet.engine.plain import build_plain
from umtcli.pipeline.device import torch_threads

RUNNABLE = {
    "avx2": AVX2,
    # compiled for this machine, whose registers may be narrower: the same sums, slower
    "avx512": AVX512,
    "avx512-bf16": replace(AVX512_BF16, emulated=True),
}


@cache
def kernel_of(name: str) -> Kernel:
    return build_plain() if name == "plain" else build(RUNNABLE[name])


@pytest.fixture(params=("plain", *RUNNABLE))
def kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


@pytest.fixture(params=("plain", "avx2", "avx512"))
def float32_kernel(request: pytest.FixtureRequest) -> Kernel:
    return kernel_of(request.param)


@pytest.fixture(scope="session")
def tone() -> torch.Tensor:
    """The classes of a tone whose period is no whole number of samples."""
    return mulaw.encode(0.7 * torch.sin(2 * torch.pi * torch.arange(4_000) / 37.3))


@pytest.fixture(scope="session")
def tone_decoder(tone: torch.Tensor) -> DecoderNetwork:
    """Trained to go on with the tone, until it is sure of the next class."""
    # two threads that wait for each other would take a hundred times as long
    with torch_threads(1):
        return _taught(tone)


def _taught(tone: torch.Tensor) -> DecoderNetwork:
    torch.manual_seed(3)
    config = DecoderConfig(
        blocks=2,
        layers=4,
        residual_channels=16,
        skip_channels=24,
        latent_channels=3,
        hop_samples=50,
    )
    network = DecoderNetwork(config)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for step in range(160):
        starts = torch.randint(0, 3_000, (4,))
        classes_BT = torch.stack([tone[start : start + 400] for start in starts])
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / 160)
        logits_BQT = network(classes_BT, torch.zeros(4, 3, 8))
        loss = torch.nn.functional.cross_entropy(logits_BQT[..., 100:], classes_BT[:, 100:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1.5  # of ln 256 = 5.5
    return network
