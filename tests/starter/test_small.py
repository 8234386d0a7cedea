"""What ships of the small WaveNet system is what its run left, in 16 bits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from starter.lines import DOMAINS
from starter.small import ship
from umt_domains.wavenet import WavenetFamily
from umtcli.bundle import read_bundle
from umtcli.errors import TrainingError
from umtcli.learned import write_decoder, write_encoder

ENCODER = {"blocks": 1, "layers": 2, "channels": 8, "latent_channels": 4, "sample_rate": 8000}
DECODER = {"blocks": 1, "layers": 2, "residual_channels": 8, "skip_channels": 8}
HOW = {"recipe": "seed 1, 9 steps of 4 × 0.25 s, validation loss 3.5"}


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """Of an untrained system."""
    folder, learning = tmp_path / "bundles", WavenetFamily().learning(ENCODER)
    encoder = write_encoder(
        folder / "encoders" / "wavenet-small-1.safetensors",
        learning.new_encoder(ENCODER),
        learning,
        name="wavenet-small/1",
        provenance=HOW,
    )
    for name in DOMAINS:
        write_decoder(
            folder / "domains" / f"{name}.safetensors",
            learning.new_decoder(DECODER),
            learning,
            name=name,
            space=encoder.space,
            provenance=HOW,
        )
    return folder


def test_all_of_a_system_ships_under_names_of_its_own(bundles: Path, tmp_path: Path) -> None:
    encoder, *decoders = ship(bundles, tmp_path / "weights", "abcdef0")
    assert encoder.path == tmp_path / "weights" / "encoders" / "wavenet-small-1.safetensors"
    assert [info.name for info in decoders] == [f"{name}-wavenet" for name in DOMAINS]
    for info, name in zip(decoders, DOMAINS, strict=True):
        assert info.path == tmp_path / "weights" / f"{name}-wavenet.safetensors"
        assert info.space == encoder.space
        assert re.search(r"at commit abcdef0, seed 1, 9 steps of 4", info.provenance["recipe"])
        assert info.config["guidance"] == 1
        assert info.config["lead_frames"] == 1
        before = read_bundle(bundles / "domains" / f"{name}.safetensors").tensors
        for key, tensor in read_bundle(info.path).tensors.items():
            assert torch.equal(tensor, before[key].half().to(tensor.dtype))


def test_what_is_no_system_is_refused(bundles: Path, tmp_path: Path) -> None:
    learning = WavenetFamily().learning(ENCODER)
    guitar = bundles / "domains" / "guitar.safetensors"
    of_another = learning.encoder_space("another/1")
    write_decoder(
        guitar, learning.new_decoder(DECODER), learning, name="guitar", space=of_another,
        provenance=HOW,
    )  # fmt: skip
    with pytest.raises(TrainingError, match=r"guitar.* is on the encoder another/1 .*, not on"):
        ship(bundles, tmp_path / "weights", "abcdef0")
    second = bundles / "encoders" / "second.safetensors"
    write_encoder(second, learning.new_encoder(ENCODER), learning, name="s/1", provenance=HOW)
    with pytest.raises(TrainingError, match="holds 2 encoders"):
        ship(bundles, tmp_path / "weights", "abcdef0")


def test_a_run_that_is_not_at_its_end_has_nothing_to_ship(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="when the run is at its end"):
        ship(tmp_path, tmp_path / "weights", "abcdef0")
