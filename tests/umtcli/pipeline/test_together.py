"""The first-party families: a file among others is, bit by bit, what it is alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals import noise, write
from tiny_wavenet import untrained
from umtcli.catalog import installed_catalog
from umtcli.pipeline import convert

LENGTHS_S = (0.6, 0.35, 0.8, 0.5)


@pytest.mark.parametrize(
    ("domain", "options"),
    [("noise", {"engine": "torch"}), ("noise", {}), ("piano", {}), ("piano", {"sides": True})],
)
def test_a_file_among_others_is_what_it_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str, options: dict[str, object]
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")
    catalog = installed_catalog()
    if domain == "noise":
        catalog = untrained(tmp_path, layers=4, channels=16, hop_samples=800)
    songs = [
        write(tmp_path / f"{number}.wav", noise(length_s + 0.1, 16_000)[number:], 16_000)
        for number, length_s in enumerate(LENGTHS_S)
    ]

    def made(inputs: list[Path], folder: str) -> list[bytes]:
        results = convert(inputs, domain, tmp_path / folder, catalog=catalog, options=options)
        assert [result.error for result in results] == [None] * len(results)
        return [Path(result.output).read_bytes() for result in results]

    together = made(songs, "together")
    for number, song in enumerate(songs):
        (tmp_path / f"alone-{number}").mkdir()
        assert made([song], f"alone-{number}") == together[number : number + 1]
