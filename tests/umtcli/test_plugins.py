"""Plugins are found, loaded, and switched off alone where they break."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest

from toy import install_toy, make_toy
from umtcli import hookimpl
from umtcli.catalog import Catalog
from umtcli.config import umt_home
from umtcli.plugins import PluginManager, installed_entry_points, make_plugin_manager


def reasons(manager: PluginManager) -> dict[str, str]:
    return {info.name: info.off_because for info in manager.infos}


def write_module(folder: Path, name: str, text: str) -> EntryPoint:
    (folder / f"{name}.py").write_text(text)
    importlib.invalidate_caches()
    return EntryPoint(name, name, "umt")


def test_an_installed_plugin_is_found_with_its_package(site_folder: Path) -> None:
    install_toy(site_folder)
    found = [e for e in installed_entry_points() if e.name == "toy"]
    manager = make_plugin_manager(found)
    (info,) = manager.infos
    assert (info.name, info.package, info.version) == ("umt-toy:toy", "umt-toy", "1.0")
    assert info.hooks == ("umt_domains", "umt_encoders", "umt_families")
    assert info.off_because == ""
    (domain,) = Catalog.from_manager(manager).domains
    assert (domain.name, domain.package) == ("toy", "umt-toy")


def test_umts_own_plugins_come_first(site_folder: Path) -> None:
    for name in ("aaa", "umtcli"):
        metadata = site_folder / f"{name}-9.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9\n")
        (metadata / "entry_points.txt").write_text(f"[umt]\n{name}-x = nowhere\n")
    names = [e.name for e in installed_entry_points()]
    assert names.index("umtcli-x") < names.index("aaa-x")
    assert len(names) == len(list(entry_points(group="umt")))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise BaseException", "BaseException"),
        ("def oops(:", "SyntaxError: invalid syntax"),
        ("x = 1", "it implements no hook"),
        (
            "from umtcli import hookimpl\n@hookimpl\ndef umt_domains(nonsense): return []",
            "nonsense",
        ),
        (
            "from umtcli import hookimpl\n@hookimpl\ndef umt_domain(): return []",
            "it implements umt_domain, which is no hook of this umt",
        ),
        (
            "from umtcli import hookimpl\n@hookimpl(wrapper=True)\n"
            "def umt_domains(): return (yield)",
            "it wraps umt_domains",
        ),
    ],
)
def test_a_module_that_breaks_is_off_and_the_rest_goes_on(
    site_folder: Path, text: str, reason: str
) -> None:
    install_toy(site_folder)
    broken = write_module(site_folder, "umt_broken", text)
    manager = make_plugin_manager([broken, EntryPoint("toy", "umt_toy", "umt")])
    off = reasons(manager)
    assert reason in off["umt_broken"]
    assert "\n" not in off["umt_broken"]
    assert off["toy"] == ""
    assert [domain.name for domain in Catalog.from_manager(manager).domains] == ["toy"]


def test_an_interrupt_while_importing_is_not_swallowed(site_folder: Path) -> None:
    entry_point = write_module(site_folder, "umt_interrupted", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        make_plugin_manager([entry_point])


class Offering:
    """A plugin whose hooks return what the test wants."""

    def __init__(self, domains: Any = (), encoders: Any = (), families: Any = ()) -> None:
        self.domains, self.encoders, self.families = domains, encoders, families

    @hookimpl
    def umt_domains(self) -> Any:
        return self.domains

    @hookimpl
    def umt_encoders(self) -> Any:
        return self.encoders

    @hookimpl
    def umt_families(self) -> Any:
        return self.families


class UnfinishedFamily:
    name = "unfinished"
    options = ()


class FamilyWithBadOptions:
    name = "odd"
    options = ("gain",)

    def load_encoder(self) -> None: ...
    def load_decoder(self) -> None: ...
    def learning(self, encoder: object = None) -> None: ...


class FamilyWithBadName(FamilyWithBadOptions):
    name = "Bad Name"
    options = ()


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        (Offering(domains=None), "umt_domains returned a NoneType, not a list"),
        (Offering(domains="piano"), "umt_domains returned a str, not a list"),
        (Offering(domains=["piano"]), "umt_domains returned a str, not a Domain"),
        (Offering(encoders=["e.safetensors"]), "umt_encoders returned a str, not a Path"),
        (Offering(encoders=[Path("/no/such")]), "Cannot read the bundle /no/such"),
        (Offering(families=[UnfinishedFamily()]), "which cannot load_encoder"),
        (Offering(families=[UnfinishedFamily]), "which cannot load_encoder"),
        (Offering(families=[FamilyWithBadOptions()]), "are no tuple of Option"),
        (Offering(families=[FamilyWithBadName()]), "'Bad Name' is no name for a family"),
    ],
)
def test_a_plugin_that_offers_nonsense_is_off_and_the_rest_goes_on(
    tmp_path: Path, plugin: Offering, reason: str
) -> None:
    manager = make_plugin_manager()
    manager.add(plugin, "nonsense")
    manager.add(make_toy(tmp_path), "umt-toy")
    catalog = Catalog.from_manager(manager)
    assert reason in reasons(manager)["nonsense"]
    assert catalog.plugins == manager.infos
    assert [domain.name for domain in catalog.domains] == ["toy"]
    assert list(catalog.families) == ["toy"]


def test_a_hook_that_raises_gives_its_first_line_as_the_reason() -> None:
    def domains() -> Iterator[Any]:
        raise RuntimeError("boom\nand more")
        yield

    manager = make_plugin_manager()
    manager.add(Offering(domains=domains()), "raising")
    Catalog.from_manager(manager)
    assert reasons(manager)["raising"] == "RuntimeError: boom"


def test_nothing_of_a_half_broken_plugin_remains(tmp_path: Path) -> None:
    toy = make_toy(tmp_path)
    manager = make_plugin_manager()
    manager.add(Offering(families=[toy.family], encoders=[toy.encoder], domains=[1]), "half")
    catalog = Catalog.from_manager(manager)
    assert (catalog.families, catalog.encoders, catalog.domains) == ({}, {}, ())


def test_bundles_in_the_users_folder_become_domains_and_encoders(tmp_path: Path) -> None:
    toy = make_toy(tmp_path / "domains", {"low": 110.0, "high": 880.0})
    (tmp_path / "encoders").mkdir()
    toy.encoder.rename(tmp_path / "encoders" / "toy.safetensors")
    catalog = Catalog.from_manager(make_plugin_manager(home=tmp_path))
    assert [(d.package, d.name) for d in catalog.domains] == [("user", "high"), ("user", "low")]
    assert catalog.encoder_for(catalog.domain("low")) == tmp_path / "encoders/toy.safetensors"


def test_a_broken_bundle_in_the_users_folder_spoils_no_other(tmp_path: Path) -> None:
    toy = make_toy(tmp_path / "domains")
    toy.encoder.unlink()
    (tmp_path / "domains" / "broken.safetensors").write_bytes(b"not a bundle at all")
    manager = make_plugin_manager(home=tmp_path)
    catalog = Catalog.from_manager(manager)
    assert [domain.name for domain in catalog.domains] == ["toy"]
    assert "is not a safetensors file" in reasons(manager)["domains/broken.safetensors"]


def test_a_missing_users_folder_is_no_error(tmp_path: Path) -> None:
    assert make_plugin_manager(home=tmp_path / "none").infos == ()


def test_umt_home_moves_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UMT_HOME", str(tmp_path))
    assert umt_home() == tmp_path
    monkeypatch.delenv("UMT_HOME")
    assert umt_home().name == "umt"
