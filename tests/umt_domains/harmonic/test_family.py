"""The harmonic family builds its machines from bundles that fit it, and refuses others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import FRONT_END_VERSION, SAMPLE_RATE
from umtcli.bundle import BundleInfo, read_bundle, write_bundle
from umtcli.errors import BundleError


def write_encoder(path: Path, front_end_version: int) -> BundleInfo:
    torch.manual_seed(1)
    learning = HarmonicFamily().learning()
    network = learning.new_encoder({"channels": 4, "blocks": [[1, 1]]})
    return write_bundle(
        path,
        kind="encoder",
        family="harmonic",
        name="harmonic/test",
        config=learning.config_of(network),
        space=learning.encoder_space("harmonic/test"),
        sample_rate=SAMPLE_RATE,
        provenance={},
        tensors=network.state_dict(),
        front_end_version=front_end_version,
    )


def test_an_encoder_comes_back_from_its_bundle(tmp_path: Path) -> None:
    info = write_encoder(tmp_path / "ear.safetensors", FRONT_END_VERSION)
    encoder = HarmonicFamily().load_encoder(read_bundle(info.path), "cpu")
    assert encoder.space == info.space


def test_an_encoder_of_another_front_end_is_refused(tmp_path: Path) -> None:
    info = write_encoder(tmp_path / "ear.safetensors", FRONT_END_VERSION + 1)
    with pytest.raises(BundleError, match=r"needs version 2 .* version 1 is installed"):
        HarmonicFamily().load_encoder(read_bundle(info.path), "cpu")
