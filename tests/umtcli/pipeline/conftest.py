"""Fixtures of the pipeline's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversions import MakeCatalog
from toy import ToyFamily, make_toy
from umtcli.catalog import Catalog
from umtcli.plugins import make_plugin_manager


@pytest.fixture
def make_catalog(tmp_path: Path) -> MakeCatalog:
    """Makes a catalog of toy domains: `high` at 880 Hz and `low` at 110 Hz."""

    def make(family: ToyFamily | None = None) -> Catalog:
        folder = tmp_path / "plugin"
        folder.mkdir()
        manager = make_plugin_manager()
        manager.add(make_toy(folder, {"high": 880.0, "low": 110.0}, family), "toy")
        return Catalog.from_manager(manager)

    return make


@pytest.fixture
def catalog(make_catalog: MakeCatalog) -> Catalog:
    return make_catalog()
