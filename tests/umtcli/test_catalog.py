"""The catalog finds domains, their families and their encoders, or says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from toy import ToyPlugin, make_toy, write_decoder, write_encoder
from umtcli.bundle import read_info
from umtcli.catalog import Catalog
from umtcli.errors import PluginError, SpaceMismatch, UnknownDomain, UsageError
from umtcli.plugins import make_plugin_manager


def make_catalog(**plugins: ToyPlugin) -> Catalog:
    manager = make_plugin_manager()
    for name, plugin in plugins.items():
        manager.add(plugin, name)
    return Catalog.from_manager(manager)


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlugin:
    return make_toy(tmp_path, {"low": 110.0, "high": 880.0})


def test_a_domain_is_found_by_its_name(toy: ToyPlugin) -> None:
    catalog = make_catalog(a=toy)
    domain = catalog.domain("low")
    assert domain.decoder == toy.decoders[0]
    assert catalog.family(domain) is toy.family
    assert catalog.encoder_for(domain) == toy.encoder
    assert catalog.domain("a:low") == domain


def test_a_clash_of_names_is_settled_by_the_package(toy: ToyPlugin, tmp_path: Path) -> None:
    other = write_decoder(tmp_path / "other" / "low.safetensors", read_info(toy.encoder).space)
    other = write_decoder(other.path, other.space, name="low", frequency_hz=55.0)
    second = ToyPlugin(toy.encoder, (other.path,))
    second.umt_families = list
    catalog = make_catalog(a=toy, b=second)
    with pytest.raises(UsageError, match=r"say a:low or b:low\."):
        catalog.domain("low")
    assert catalog.domain("b:low").decoder == other.path
    assert catalog.domain("high").package == "a"


@pytest.mark.parametrize(
    ("name", "suggestion"), [("hihg", "high"), ("HIGH", "high"), ("a:lov", "a:low")]
)
def test_an_unknown_name_suggests_the_nearest(toy: ToyPlugin, name: str, suggestion: str) -> None:
    with pytest.raises(UnknownDomain, match="Did you mean") as caught:
        make_catalog(a=toy).domain(name)
    assert suggestion in caught.value.suggestions
    assert caught.value.exit_code == 2


def test_an_unknown_name_without_a_neighbour_points_to_the_list(toy: ToyPlugin) -> None:
    with pytest.raises(UnknownDomain, match="`umt domains` lists"):
        make_catalog(a=toy).domain("xylophone")
    with pytest.raises(UnknownDomain, match="No domain is installed"):
        make_catalog().domain("piano")


def test_a_missing_encoder_names_both_fingerprints(toy: ToyPlugin, tmp_path: Path) -> None:
    wanted = read_info(toy.encoder).space.fingerprint
    other = write_encoder(tmp_path / "other.safetensors", weight=(1.0, 2.0))
    catalog = make_catalog(a=ToyPlugin(other.path, toy.decoders))
    with pytest.raises(SpaceMismatch) as caught:
        catalog.encoder_for(catalog.domain("low"))
    assert wanted in str(caught.value)
    assert other.space.fingerprint in str(caught.value)


def test_a_missing_family_is_named(toy: ToyPlugin) -> None:
    home = toy.encoder.parent.parent
    (home / "domains").symlink_to(toy.encoder.parent)
    catalog = Catalog.from_manager(make_plugin_manager(home=home))
    with pytest.raises(PluginError, match="low needs the family toy"):
        catalog.family(catalog.domain("low"))


def test_the_first_plugin_keeps_a_familys_name(toy: ToyPlugin, tmp_path: Path) -> None:
    thief = make_toy(tmp_path / "thief", {"third": 220.0})
    catalog = make_catalog(a=toy, thief=thief)
    assert catalog.families["toy"] is toy.family
    assert catalog.plugins[1].off_because == "another plugin has the family toy already"
    assert {domain.name for domain in catalog.domains} == {"low", "high"}


def test_one_package_cannot_have_two_domains_of_one_name(toy: ToyPlugin) -> None:
    catalog = make_catalog(a=ToyPlugin(toy.encoder, toy.decoders + toy.decoders[:1]))
    assert catalog.plugins[0].off_because == "it registers two domains of one name"
