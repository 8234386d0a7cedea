"""The wavenet family keeps the contract of `umtcli.domain`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from umt_domains.plugin import umt_families
from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.config import FRONT_END_VERSION, SAMPLE_RATE
from umt_domains.wavenet.encoder import latent_space
from umt_domains.wavenet.hearing import WavenetEncoder
from umt_domains.wavenet.playing import WavenetDecoder
from umtcli.bundle import read_bundle, write_bundle
from umtcli.catalog import Catalog
from umtcli.domain import Domain
from umtcli.errors import BundleError
from umtcli.pipeline.check import CHECKS, check_domain

PROVENANCE = {"licence": "CC0-1.0", "description": "untrained", "data": "none", "recipe": "none"}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """One untrained domain, small enough to be checked in seconds."""
    torch.manual_seed(5)
    sizes = {"blocks": 1, "layers": 2}
    heard_sizes = {**sizes, "channels": 8, "latent_channels": 3, "hop_samples": 40}
    learning = WavenetFamily().learning(heard_sizes)
    encoder = learning.new_encoder(heard_sizes)
    decoder = learning.new_decoder({**sizes, "residual_channels": 8, "skip_channels": 8})
    heard = write_bundle(
        tmp_path / "encoder.safetensors",
        kind="encoder",
        family="wavenet",
        name="wavenet/1",
        config=learning.config_of(encoder),
        space=latent_space("wavenet/1", encoder.config),
        sample_rate=SAMPLE_RATE,
        provenance=PROVENANCE,
        tensors=encoder.state_dict(),
        front_end_version=FRONT_END_VERSION,
    )
    played = write_bundle(
        tmp_path / "noise.safetensors",
        kind="decoder",
        family="wavenet",
        name="noise",
        config=learning.config_of(decoder),
        space=heard.space,
        sample_rate=SAMPLE_RATE,
        provenance=PROVENANCE,
        tensors=decoder.state_dict(),
    )
    return Catalog(
        families={"wavenet": WavenetFamily()},
        encoders={heard.space.fingerprint: heard},
        domains=(Domain.from_bundle(played.path),),
        plugins=(),
    )


def test_an_untrained_domain_passes_all_checks_but_silence(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("umtcli.pipeline.subject.DURATION_S", 0.1)
    results = check_domain(catalog, catalog.domains[0])
    assert {r.name for r in results} == {"loads", *CHECKS}
    # that silence is silent is learned
    assert [r for r in results if not r.passed and r.name != "silence stays silent"] == []


def test_an_encoder_of_another_front_end_is_refused(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    (encoder,) = catalog.encoders.values()
    monkeypatch.setattr("umt_domains.wavenet.config.FRONT_END_VERSION", 7)
    with pytest.raises(BundleError, match=r"needs version 1 .* version 7 is installed"):
        WavenetFamily().load_encoder(read_bundle(encoder.path), "cpu")


def test_the_family_is_registered() -> None:
    assert "wavenet" in [family.name for family in umt_families()]


def test_learning_is_of_the_papers_rates() -> None:
    learning = WavenetFamily().learning()
    space = learning.encoder_space("wavenet/1")
    assert (learning.sample_rate, learning.hop_samples) == (16_000, 800)
    assert (space.name, space.channels, space.frame_rate) == ("wavenet/1", 64, 20.0)


def test_other_rates_are_the_encoders_and_reach_the_machines() -> None:
    learning = WavenetFamily().learning({"sample_rate": 8000, "hop_samples": 200, "blocks": 1})
    network = learning.new_encoder({"layers": 2})
    encoder = WavenetEncoder(network, learning.encoder_space("w/8"), "cpu")
    options = {"temperature": 1.0, "top_p": 1.0, "engine": "torch"}
    decoder = WavenetDecoder(learning.new_decoder({"layers": 2}), "cpu", options)
    assert encoder.space.frame_rate == 40.0
    assert (learning.sample_rate, encoder.sample_rate, decoder.sample_rate) == (8000,) * 3
    # 80 frames of 25 ms, and the two sides of a reach of 3 · (1 + 2) + 1 samples: one frame
    assert encoder.lookahead_s == pytest.approx(81 * 0.025)


def test_a_decoder_of_other_rates_than_its_encoders_is_refused() -> None:
    learning = WavenetFamily().learning({"sample_rate": 8000})
    with pytest.raises(ValueError, match="sample_rate must be the encoder's, 8000"):
        learning.new_decoder({"sample_rate": 16_000})
    with pytest.raises(ValueError, match="EncoderConfig has no 'kernel'"):
        WavenetFamily().learning({"kernel": 3})
