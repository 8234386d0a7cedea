"""Fixtures of the pipeline's tests."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from conversions import MakeCatalog
from signals import noise, write
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


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    """Four, mono at 8 kHz, each of another length and music."""
    lengths_s = (0.5, 1.3, 4.7, 0.2)
    return [
        write(tmp_path / f"{number}.wav", noise(length_s + 1, 8_000, 1)[number:], 8_000)
        for number, length_s in enumerate(lengths_s)
    ]


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    """Of the workers that a test had."""
    yield
    assert multiprocessing.active_children() == []
    # multiprocessing keeps one for as long as its parent lives, and has no other way to end it
    resource_tracker._resource_tracker._stop()
