"""What ships with umt, and one thread to play it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from umt_domains import plugin
from umtcli.catalog import Catalog
from umtcli.pipeline.device import torch_threads
from umtcli.plugins import make_plugin_manager


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The same numbers on every machine."""
    with torch_threads(1):
        yield


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The bundled domains and nothing else."""
    manager = make_plugin_manager()
    manager.add(plugin, "domains")
    return Catalog.from_manager(manager)
