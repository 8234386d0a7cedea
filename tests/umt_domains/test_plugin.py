"""What ships with umt is whole: families, encoders, and domains that keep the contract."""

from __future__ import annotations

import pytest

from umt_domains import plugin
from umtcli.catalog import Catalog
from umtcli.pipeline.check import CHECKS, check_domain

pytestmark = pytest.mark.usefixtures("one_thread")

BUNDLED = tuple(domain.name for domain in plugin.umt_domains())


def test_the_domains_of_the_demo_are_bundled(catalog: Catalog) -> None:
    assert {"piano", "strings", "organ"} <= set(BUNDLED)
    assert sorted(BUNDLED) == sorted(domain.name for domain in catalog.domains)


def test_each_bundled_domain_finds_its_encoder(catalog: Catalog) -> None:
    for domain in catalog.domains:
        assert catalog.encoder_for(domain).parent == plugin.WEIGHTS / "encoders"


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_domain_passes_every_check(catalog: Catalog, name: str) -> None:
    results = check_domain(catalog, catalog.domain(name))
    assert [(r.name, r.reason) for r in results if not r.passed] == []
    assert {r.name for r in results} == {"loads", *CHECKS}
