"""The page of the bundled domains says what their bundles say, and all can be listened to."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile as sf

from starter import gallery
from umt_domains import plugin
from umtcli import Domain

DOCS = Path(__file__).parents[2] / "docs"
DOMAINS = plugin.umt_domains()


def test_the_page_is_that_of_the_bundled_domains() -> None:
    # if this fails: python -m starter gallery docs
    assert (DOCS / gallery.PAGE).read_text(encoding="utf-8") == gallery.page(DOMAINS)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_domain_can_be_listened_to_for_ten_seconds(domain: Domain) -> None:
    wav_TC, rate = sf.read(DOCS / gallery.SOUNDS / f"{domain.name}.mp3", always_2d=True)
    assert len(wav_TC) / rate == pytest.approx(gallery.SAMPLE_S, abs=0.1)
    assert 0.02 < float(abs(wav_TC).max()) <= 1


def test_no_sound_is_left_of_a_domain_that_is_not_there() -> None:
    names = {"source", "line", *(domain.name for domain in DOMAINS)}
    assert {path.stem for path in (DOCS / gallery.SOUNDS).glob("*.mp3")} == names


def test_there_is_an_entry_with_range_licence_and_origin_for_each() -> None:
    page = gallery.page(DOMAINS)
    for domain in DOMAINS:
        _, _, entry = page.partition(f"\n## {domain.name}\n")
        entry, _, _ = entry.partition("\n## ")
        assert domain.description in entry
        assert f"](sounds/{domain.name}.mp3)" in entry
        assert f"| {domain.licence} | {domain.provenance['data']} |" in entry
    assert "Grand piano, A0 to C8." in page
