"""Networks so small that a loop over their samples takes no time, and a download of such.

One of them knows what it wants.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest
import torch
from torch import Tensor

import fair_zip
from umt_domains.wavenet import mulaw
from umt_domains.wavenet.config import DecoderConfig, EncoderConfig
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.encoder import EncoderNetwork
from umtcli.pipeline.device import torch_threads

Network = TypeVar("Network", bound=torch.nn.Module)


@pytest.fixture(autouse=True)
def one_thread(one_thread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that wait for each other cost such networks more than they save."""
    monkeypatch.setenv("UMT_THREADS", "1")


@pytest.fixture
def small_encoder() -> EncoderNetwork:
    """Two blocks of four layers; weights and biases large enough to matter."""
    torch.manual_seed(1)
    network = EncoderNetwork(
        EncoderConfig(blocks=2, layers=4, channels=6, latent_channels=3, hop_samples=10)
    )
    return shaken(network)


@pytest.fixture
def small_decoder() -> DecoderNetwork:
    """Two blocks of three layers: a receptive field of 16 samples; no dilation divides its hop."""
    torch.manual_seed(2)
    config = DecoderConfig(
        blocks=2,
        layers=3,
        residual_channels=8,
        skip_channels=16,
        latent_channels=5,
        hop_samples=13,
    )
    return shaken(DecoderNetwork(config))


@pytest.fixture(scope="session")
def full_width() -> DecoderNetwork:
    """The paper's channels, a few layers: matrix products take the path they take in earnest."""
    torch.manual_seed(4)
    return DecoderNetwork(DecoderConfig(blocks=2, layers=3, hop_samples=15))


@pytest.fixture
def published_decoder() -> DecoderNetwork:
    """Of the published models' depth and width; only its hop is short."""
    torch.manual_seed(6)
    return shaken(DecoderNetwork(DecoderConfig(layers=14, hop_samples=13)))


@pytest.fixture(scope="session")
def tone() -> Tensor:
    """The classes of a tone whose period is no whole number of samples."""
    return mulaw.encode(0.7 * torch.sin(2 * torch.pi * torch.arange(4_000) / 37.3))


@pytest.fixture(scope="session")
def tone_decoder(tone: Tensor) -> DecoderNetwork:
    """Trained to go on with the tone, until it is sure of the next class."""
    # two threads that wait for each other would take a hundred times as long
    with torch_threads(1):
        return _taught(tone)


@pytest.fixture(scope="session")
def states() -> list[fair_zip.State]:
    """The best models of the download."""
    return fair_zip.models()


@pytest.fixture(scope="session")
def files(states: list[fair_zip.State]) -> dict[str, bytes]:
    """What is in the download."""
    return fair_zip.members(best=states)


@pytest.fixture(scope="session")
def whole_zip(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The download, only to be read."""
    path = tmp_path_factory.mktemp("download") / "pretrained_musicnet.zip"
    return fair_zip.write_zip(path, files)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder that is not there yet."""
    return tmp_path / "home"


def shaken(network: Network) -> Network:
    """Strong biases: a bias that is forgotten, or padding in the wrong layer, shows."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.uniform_(-1, 1)
    return network


def _taught(tone: Tensor) -> DecoderNetwork:
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
