"""A new instrument's name means one thing, and its encoder is the newest or the one named."""

from pathlib import Path

import pytest

from toy import ToyFamily, write_decoder, write_encoder
from umt_trainer.naming import find_encoder, refuse_taken
from umtcli.bundle import BundleInfo
from umtcli.catalog import Catalog
from umtcli.domain import Domain, LatentSpace
from umtcli.errors import OutputExists, TrainingError, UsageError


def catalog(*encoders: BundleInfo, domains: tuple[Domain, ...] = ()) -> Catalog:
    own = {info.space.fingerprint: info for info in encoders}
    return Catalog({"toy": ToyFamily()}, own, domains, ())


def encoder(name: str, fingerprint: str) -> BundleInfo:
    space = LatentSpace(name, 2, 100.0, fingerprint)
    path = Path(f"{fingerprint}.safetensors")
    return BundleInfo(path, "encoder", "toy", name, {}, space, 8000, {}, "", 1)


def domain(tmp_path: Path, package: str) -> Domain:
    from dataclasses import replace

    space = write_encoder(tmp_path / "e.safetensors").space
    return replace(
        Domain.from_bundle(write_decoder(tmp_path / "k.safetensors", space, "kazoo").path),
        package=package,
    )


def test_a_packages_name_is_never_taken(tmp_path: Path) -> None:
    taken = catalog(domains=(domain(tmp_path, "umt-kazoo"),))
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="umt-kazoo has a domain kazoo already"):
            refuse_taken(taken, "kazoo", overwrite=overwrite)


def test_an_instrument_of_ones_own_is_replaced_only_when_asked(tmp_path: Path) -> None:
    taken = catalog(domains=(domain(tmp_path, "user"),))
    with pytest.raises(OutputExists, match="--overwrite replaces it"):
        refuse_taken(taken, "kazoo", overwrite=False)
    refuse_taken(taken, "kazoo", overwrite=True)
    refuse_taken(taken, "tuba", overwrite=False)


def test_the_newest_generation_is_taken_by_number() -> None:
    several = catalog(encoder("toy/9", "a"), encoder("toy/10", "b"), encoder("toy/mine", "c"))
    assert find_encoder(several, "toy") == Path("b.safetensors")


def test_an_encoder_can_be_named() -> None:
    several = catalog(encoder("toy/1", "a"), encoder("toy/2", "b"))
    assert find_encoder(several, "toy", "a") == Path("a.safetensors")


def test_a_choice_that_umt_cannot_make_lists_the_choices() -> None:
    twins = catalog(encoder("toy/1", "a"), encoder("toy/1", "b"))
    for fingerprint in (None, "z"):
        with pytest.raises(UsageError, match=r"--encoder takes .* toy/1 \(a\), toy/1 \(b\)"):
            find_encoder(twins, "toy", fingerprint)


def test_a_family_without_an_encoder_cannot_learn() -> None:
    with pytest.raises(TrainingError, match="No encoder of the wavenet family"):
        find_encoder(catalog(encoder("toy/1", "a")), "wavenet")
