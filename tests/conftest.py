"""Fixtures for all tests."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
from hypothesis import settings

from toy import install_toy

# A busy machine is slow, not wrong. Examples are the same in every run, so that a change is
# judged by what it changes; `pytest --hypothesis-profile=search` looks for new ones.
settings.register_profile("umt", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile("umt")


@pytest.fixture
def site_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path to install plugins into; its modules are forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None)
        if origin and Path(origin).parent == folder:
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def toy_installed(site_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command line sees the toy plugin and nothing else; returns the user's data folder."""
    install_toy(site_folder)
    # whatever else this Python has installed must not colour the tests
    found = [e for e in entry_points(group="umt") if e.name == "toy"]
    monkeypatch.setattr("umtcli.cli.installed_entry_points", lambda: found)
    monkeypatch.setenv("UMT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def only_umt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command line sees umt's own plugins and nothing else; returns the user's data folder."""
    own = [EntryPoint(name, f"umt_{name}.plugin", "umt") for name in ("domains", "trainer")]
    monkeypatch.setattr("umtcli.cli.installed_entry_points", lambda: own)
    monkeypatch.setenv("UMT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
