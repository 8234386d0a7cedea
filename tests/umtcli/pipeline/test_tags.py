"""Outputs carry their input's tags and say where they come from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import umtcli
from umtcli.domain import Domain, LatentSpace
from umtcli.pipeline.players import Player, Share
from umtcli.pipeline.tags import output_tags

PIANO = Domain(
    name="piano",
    family="toy",
    decoder=Path("piano.safetensors"),
    space=LatentSpace("toy/1", 2, 100.0, "f00d"),
    sample_rate=16_000,
    licence="CC0-1.0",
    package="umt-steinway",
)


def test_tags_are_kept_and_provenance_is_added() -> None:
    given = {"title": "Clair de lune", "Encoder": "LAME", "COMMENT": "ripped"}
    tags = output_tags(given, Player.of(PIANO))
    assert tags["title"] == "Clair de lune"
    assert "LAME" not in tags.values()
    for part in (f"umt {umtcli.__version__}", "piano", "umt-steinway", "CC0-1.0"):
        assert part in tags["comment"]
    assert [key.lower() for key in tags].count("comment") == 1


def test_a_mix_names_every_part_with_its_licence() -> None:
    strings = replace(PIANO, name="strings", licence="CC-BY-4.0", package="umt-bows")
    tags = output_tags({}, Player((Share(PIANO, 0.75), Share(strings, 0.25))))
    assert tags["comment"] == (
        f"umt {umtcli.__version__}, mix: 0.75 of piano (umt-steinway), licence CC0-1.0; "
        "0.25 of strings (umt-bows), licence CC-BY-4.0"
    )
