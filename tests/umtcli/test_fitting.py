"""Bundles that belong to something else are refused, and it is said to what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from bundling import write
from toy import write_decoder, write_encoder
from umtcli.bundle import read_bundle
from umtcli.errors import BundleError, SpaceMismatch
from umtcli.fitting import check_front_end, check_space, load_weights


def test_a_decoder_on_a_foreign_encoder_names_both_fingerprints(tmp_path: Path) -> None:
    first = write_encoder(tmp_path / "first.safetensors")
    second = write_encoder(tmp_path / "second.safetensors", weight=(2.0, 1.0))
    decoder = write_decoder(tmp_path / "kazoo.safetensors", first.space)
    check_space(decoder, first)
    with pytest.raises(SpaceMismatch) as caught:
        check_space(decoder, second)
    for text in (first.space.fingerprint, second.space.fingerprint, "kazoo.safetensors"):
        assert text in str(caught.value)


def test_an_encoder_of_another_front_end_is_refused_naming_both(tmp_path: Path) -> None:
    info = write(tmp_path / "ear.safetensors", kind="encoder", front_end_version=2)
    check_front_end(info, 2)
    with pytest.raises(BundleError, match=r"ear\.safetensors needs version 2 .* version 1 is"):
        check_front_end(info, 1)


def test_an_encoder_may_be_of_any_front_end_that_there_is(tmp_path: Path) -> None:
    info = write(tmp_path / "ear.safetensors", kind="encoder", front_end_version=2)
    check_front_end(info, 1, 2)
    with pytest.raises(BundleError, match=r"needs version 2 .* but versions 1 and 3 are installed"):
        check_front_end(info, 1, 3)


def test_weights_go_into_the_network_they_were_made_for(tmp_path: Path) -> None:
    made = torch.nn.Linear(3, 2)
    write(tmp_path / "kazoo.safetensors", tensors=made.state_dict())
    network = torch.nn.Linear(3, 2)
    load_weights(network, read_bundle(tmp_path / "kazoo.safetensors"))
    assert torch.equal(network.weight, made.weight)
    assert torch.equal(network.bias, made.bias)


@pytest.mark.parametrize("network", [torch.nn.Linear(4, 2), torch.nn.Linear(3, 2, bias=False)])
def test_weights_of_another_network_are_refused_by_name(
    tmp_path: Path, network: torch.nn.Module
) -> None:
    path = tmp_path / "kazoo.safetensors"
    write(path, tensors=torch.nn.Linear(3, 2).state_dict())
    with pytest.raises(BundleError, match=rf"{re.escape(str(path))} was made by another version"):
        load_weights(network, read_bundle(path))
