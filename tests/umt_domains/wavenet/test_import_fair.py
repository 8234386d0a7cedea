"""The authors' models become domains that play as the authors' weights say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import fair_zip
from umt_domains.wavenet import WavenetFamily, hearing
from umt_domains.wavenet.import_fair import DOMAINS, import_fair
from umtcli.bundle import read_bundle, read_info
from umtcli.catalog import Catalog
from umtcli.fitting import check_space
from umtcli.pipeline.subject import feed
from umtcli.plugins import make_plugin_manager
from wavenet_reference import SlowWaveNet, Weights, forced_logits, hear


@pytest.fixture(scope="module")
def imported(whole_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with all six domains, only to be read."""
    home = tmp_path_factory.mktemp("imported")
    import_fair(whole_zip, home)
    return home


@pytest.fixture(scope="module")
def last(whole_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the models at the end of training."""
    home = tmp_path_factory.mktemp("last")
    import_fair(whole_zip, home, which="last")
    return home


def double(state: dict[str, torch.Tensor]) -> Weights:
    return {name: tensor.double().numpy() for name, tensor in state.items()}


def test_six_domains_share_one_encoder(whole_zip: Path, home: Path) -> None:
    infos = import_fair(whole_zip, home)
    assert [info.name for info in infos] == [
        "bach-cello",
        "beethoven-piano",
        "cambini-winds",
        "bach-piano",
        "beethoven-violin",
        "beethoven-quartet",
    ]
    (encoder,) = (home / "encoders").iterdir()
    for info in infos:
        check_space(info, read_info(encoder, kind="encoder"))
        assert info.provenance["licence"] == "CC BY-NC 4.0"
    assert len(fair_zip.installed(home)) == 7
    assert sorted(p.name for p in home.iterdir()) == ["domains", "encoders"]


@pytest.mark.parametrize("number", range(6))
def test_each_domain_has_the_logits_of_its_own_file(
    imported: Path, states: list[fair_zip.State], number: int
) -> None:
    check_logits(imported, number, states[number])


@pytest.mark.parametrize("number", [0, 5])
def test_the_last_models_have_the_logits_of_their_files(last: Path, number: int) -> None:
    check_logits(last, number, fair_zip.models(seed=1)[number])


def check_logits(home: Path, number: int, state: fair_zip.State) -> None:
    """The logits of an installed domain are those of the authors' weights."""
    path = home / "domains" / f"{list(DOMAINS)[number]}.safetensors"
    network = WavenetFamily().learning().from_bundle(read_bundle(path))
    generator = torch.Generator().manual_seed(number)
    latents = torch.randn(1, 4, 1, generator=generator)
    classes = torch.randint(0, 256, (1, 800), generator=generator)
    slow = SlowWaveNet(double(state["decoder_state"]), blocks=2, layers=3)
    heard = classes[0, :60].tolist()
    wanted = forced_logits(slow, heard, latents[0].double().numpy(), hop=800)
    with torch.no_grad():
        logits = network(classes, latents)[0, :, :60]
    np.testing.assert_allclose(logits.numpy(), wanted, atol=2e-6 * np.abs(wanted).max())


def test_the_encoder_hears_as_the_authors_weights_do(
    files: dict[str, bytes],
    tmp_path: Path,
    home: Path,
    states: list[fair_zip.State],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hearing, "multiplies_bfloat16", lambda: False)
    files = files | {"args.pth": fair_zip.saved(fair_zip.settings(encoder_pool=20))}
    import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    (path,) = (home / "encoders").iterdir()
    encoder = WavenetFamily().load_encoder(read_bundle(path), "cpu")
    assert (encoder.space.channels, encoder.space.frame_rate) == (4, 800.0)
    wav = torch.rand(90, generator=torch.Generator().manual_seed(3)) * 2 - 1
    weights = double(states[0]["encoder_state"])
    wanted = hear(weights, wav.tolist(), blocks=2, layers=3, hop=20)
    np.testing.assert_allclose(feed(encoder.streams(), wav).numpy(), wanted, atol=1e-5)


def test_a_missing_pool_size_is_the_papers(imported: Path) -> None:
    assert read_info(imported / "domains" / "bach-cello.safetensors").space.frame_rate == 20.0


def test_imported_domains_are_found_and_play(imported: Path) -> None:
    catalog = Catalog.from_manager(make_plugin_manager(home=imported))
    domain = catalog.domain("beethoven-piano")
    assert (domain.package, domain.licence) == ("user", "CC BY-NC 4.0")
    family = WavenetFamily()
    encoder = family.load_encoder(read_bundle(catalog.encoder_for(domain)), "cpu")
    options = {option.name: option.default for option in family.options}
    decoder = family.load_decoder(read_bundle(domain.decoder), "cpu", options)
    latents = feed(encoder.streams(), torch.zeros(1000))
    played = feed(decoder.streams(), latents)
    assert played.shape == (1600,)
    assert played.isfinite().all()


def test_best_and_last_are_two_sets(whole_zip: Path, tmp_path: Path) -> None:
    best = import_fair(whole_zip, tmp_path / "best")
    last = import_fair(whole_zip, tmp_path / "last", which="last")
    assert all(b.digest != d.digest for b, d in zip(best, last, strict=True))
    assert best[0].space != last[0].space


def test_a_domain_whose_encoder_differs_gets_that_one(tmp_path: Path, home: Path) -> None:
    states = fair_zip.models()
    states[3] = {**states[3], "encoder_state": fair_zip.models(seed=2)[3]["encoder_state"]}
    files = fair_zip.members(best=states)
    infos = import_fair(fair_zip.write_zip(tmp_path / "fair.zip", files), home)
    odd = [info.space == infos[0].space for info in infos]
    assert odd == [True, True, True, False, True, True]
    catalog = Catalog.from_manager(make_plugin_manager(home=home))
    assert len({catalog.encoder_for(catalog.domain(name)) for name in DOMAINS}) == 2
