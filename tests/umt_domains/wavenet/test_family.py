"""The wavenet family keeps the contract of `umtcli.domain`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_wavenet import untrained
from umt_domains.plugin import umt_families
from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.hearing import WavenetEncoder
from umt_domains.wavenet.playing import WavenetDecoder
from umtcli.bundle import read_bundle
from umtcli.catalog import Catalog
from umtcli.errors import BundleError
from umtcli.pipeline.check import CHECKS, check_domain


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """One untrained domain, small enough to be checked in seconds."""
    return untrained(tmp_path, layers=2, channels=8, hop_samples=40)


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
    options = {"temperature": 1.0, "top_p": 1.0, "guidance": 1.0, "engine": "torch", "exact": False}
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
