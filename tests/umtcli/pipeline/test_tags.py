"""Outputs carry their input's tags and say where they come from."""

from __future__ import annotations

from pathlib import Path

import umtcli
from umtcli.domain import Domain, LatentSpace
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
    tags = output_tags({"title": "Clair de lune", "Encoder": "LAME", "COMMENT": "ripped"}, PIANO)
    assert tags["title"] == "Clair de lune"
    assert "LAME" not in tags.values()
    for part in (f"umt {umtcli.__version__}", "piano", "umt-steinway", "CC0-1.0"):
        assert part in tags["comment"]
    assert [key.lower() for key in tags].count("comment") == 1
