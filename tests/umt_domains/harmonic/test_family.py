"""The harmonic family builds its machines from bundles that fit it, and refuses others."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import FRONT_END_VERSIONS, SAMPLE_RATE
from umtcli.bundle import BundleInfo, read_bundle, write_bundle
from umtcli.errors import BundleError
from umtcli.learned import write_decoder
from umtcli.optional import beginning


def write_encoder(path: Path, front_end: int, front_end_version: int) -> BundleInfo:
    torch.manual_seed(1)
    config = {"channels": 4, "blocks": [[1, 1]], "front_end": front_end}
    learning = HarmonicFamily().learning(config)
    assert learning.front_end_version == front_end
    network = learning.new_encoder(config)
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


@pytest.mark.parametrize("front_end", FRONT_END_VERSIONS)
def test_an_encoder_comes_back_from_its_bundle(tmp_path: Path, front_end: int) -> None:
    info = write_encoder(tmp_path / "ear.safetensors", front_end, front_end)
    encoder = HarmonicFamily().load_encoder(read_bundle(info.path), "cpu")
    assert encoder.space == info.space
    assert encoder._network.config.front_end == front_end


def test_an_encoder_of_another_front_end_is_refused(tmp_path: Path) -> None:
    info = write_encoder(tmp_path / "ear.safetensors", 2, 3)
    with pytest.raises(BundleError, match=r"needs version 3 .* versions 1 and 2 are installed"):
        HarmonicFamily().load_encoder(read_bundle(info.path), "cpu")


def test_an_encoder_of_no_known_front_end_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="front_end is 3; it must be one of 1, 2"):
        HarmonicFamily().learning({"front_end": 3})


def test_another_instrument_begins_as_a_decoder_without_its_range(tmp_path: Path) -> None:
    learning = HarmonicFamily().learning({})
    sizes = {"channels": 8, "generation": 2, "struck": True, "lowest_midi": 60}
    network = learning.new_decoder(sizes | {"highest_midi": 84})
    info = write_decoder(
        tmp_path / "bells.safetensors",
        network,
        learning,
        name="bells",
        space=learning.encoder_space("harmonic/test"),
        provenance={},
    )
    begun = beginning(learning, read_bundle(info.path))
    config = learning.config_of(begun)
    assert (config["lowest_midi"], config["highest_midi"]) == (21, 108)
    assert (config["generation"], config["struck"]) == (2, True)
    for name, weights in network.state_dict().items():
        assert begun.state_dict()[name].equal(weights)


def test_configs_of_older_networks_stay_as_they_were() -> None:
    """What a run was begun with is compared with what it would be begun with now."""
    learning = HarmonicFamily().learning()
    for network in (learning.new_encoder({}), learning.new_decoder({})):
        assert not {"bend", "bends"} & set(learning.config_of(network))
    assert learning.config_of(learning.new_encoder({"bend": True}))["bend"] is True
    assert learning.config_of(learning.new_decoder({"bends": True}))["bends"] is True
