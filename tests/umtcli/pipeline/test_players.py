"""Mixes are read as users write them, and what is malformed is refused with a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from toy import ToyPlugin, make_toy, write_decoder, write_encoder
from umtcli.catalog import Catalog
from umtcli.errors import UnknownDomain, UsageError
from umtcli.pipeline.players import find_player
from umtcli.plugins import make_plugin_manager


def shares(text: str, catalog: Catalog) -> list[tuple[str, float]]:
    player = find_player(text, catalog)
    return [(part.domain.name, pytest.approx(part.share)) for part in player.shares]


def test_a_domain_plays_alone(catalog: Catalog) -> None:
    player = find_player("low", catalog)
    assert shares("low", catalog) == [("low", 1)]
    assert str(player) == player.file_name == "low"


def test_without_gains_the_shares_are_equal(catalog: Catalog) -> None:
    assert shares("low+high", catalog) == [("low", 0.5), ("high", 0.5)]
    assert find_player("low+high", catalog).file_name == "low+high"


@pytest.mark.parametrize("text", ["low*0.75+high*.25", " low * 3 + high ", "low*1.5+high*.50"])
def test_shares_sum_to_one(catalog: Catalog, text: str) -> None:
    assert shares(text, catalog) == [("low", 0.75), ("high", 0.25)]


def test_gains_are_in_the_names_where_they_were_given(catalog: Catalog) -> None:
    player = find_player("low*0.70+high", catalog)
    assert str(player) == "low*0.7+high"
    assert player.file_name == "low@0.7+high"


def test_a_package_settles_a_clash_inside_a_mix(tmp_path: Path) -> None:
    manager = make_plugin_manager()
    encoder = write_encoder(tmp_path / "encoder.safetensors")
    for package in ("brass", "wood"):
        path = tmp_path / f"{package}.safetensors"
        horn = write_decoder(path, encoder.space, "horn").path
        if package == "brass":
            manager.add(make_toy(tmp_path, {"horn": 220.0, "flute": 880.0}), package)
        else:
            manager.add(_WithoutFamily(encoder.path, (horn,)), package)
    catalog = Catalog.from_manager(manager)
    packages = {domain.package for domain in catalog.domains}
    player = find_player("wood:horn*2+flute", catalog)
    assert {domain.package for domain in player.domains} == packages
    assert player.file_name == "horn@2+flute"
    with pytest.raises(UsageError, match="Several packages"):
        find_player("horn+flute", catalog)


class _WithoutFamily(ToyPlugin):
    def umt_families(self) -> list[object]:
        return []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("low+", "domain is missing"),
        ("+", "domain is missing"),
        ("low++high", "domain is missing"),
        ("*0.5+low", "domain is missing"),
        ("low*+high", "'' is no gain"),
        ("low*loud+high", "'loud' is no gain"),
        ("0.7*low+high", "'low' is no gain"),
        ("low*-1+high", "'-1' is no gain"),
        ("low*nan+high", "'nan' is no gain"),
        ("low*0.5*2+high", r"'0\.5\*2' is no gain"),
        (f"low*{'9' * 400}+high", "too large"),
    ],
)
def test_a_malformed_mix_is_refused_with_a_hint(catalog: Catalog, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        find_player(text, catalog)
    assert "'piano*0.7+strings*0.3'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("low*0.5", "nothing to be mixed with"),
        ("low*0+high", "leave it out"),
        ("low+high+low", "twice"),
    ],
)
def test_a_mix_that_makes_no_sense_is_refused(catalog: Catalog, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_player(text, catalog)


def test_an_unknown_part_carries_suggestions(catalog: Catalog) -> None:
    with pytest.raises(UnknownDomain) as caught:
        find_player("low+hihg", catalog)
    assert caught.value.suggestions == ("high",)


def test_domains_of_two_latent_spaces_are_not_mixed(tmp_path: Path) -> None:
    encoders = [write_encoder(tmp_path / f"{w}.safetensors", (w, 1.0)) for w in (1.0, 2.0)]
    decoders = [
        write_decoder(tmp_path / f"{name}.safetensors", encoder.space, name).path
        for name, encoder in zip(("old", "new"), encoders, strict=True)
    ]
    manager = make_plugin_manager()
    manager.add(_TwoEncoders(encoders[0].path, tuple(decoders), encoders[1].path), "toy")
    with pytest.raises(UsageError) as caught:
        find_player("old+new", Catalog.from_manager(manager))
    for encoder in encoders:
        assert str(encoder.space) in str(caught.value)


class _TwoEncoders(ToyPlugin):
    def __init__(self, encoder: Path, decoders: tuple[Path, ...], other: Path) -> None:
        super().__init__(encoder, decoders)
        self.other = other

    def umt_encoders(self) -> list[Path]:
        return [self.encoder, self.other]
