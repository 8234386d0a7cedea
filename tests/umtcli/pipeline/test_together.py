"""The first-party families: a file among others is, bit by bit, what it is alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals import noise, write
from tiny_wavenet import untrained
from umtcli.catalog import installed_catalog
from umtcli.pipeline import convert
from umtcli.pipeline.events import Event, Noticed

LENGTHS_S = (0.6, 0.35, 0.8, 0.5)


def test_a_long_file_is_cut_into_the_same_pieces_among_others_and_on_more_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = untrained(tmp_path, layers=4, channels=16, hop_samples=800)
    songs = [
        write(tmp_path / f"{number}.wav", noise(length_s, 16_000)[number:], 16_000)
        for number, length_s in enumerate((5.3, 1.0, 3.1))
    ]
    told: list[Event] = []

    def made(folder: str, num_threads: int, inputs: list[Path], **options: object) -> list[bytes]:
        monkeypatch.setenv("UMT_THREADS", str(num_threads))
        results = convert(
            inputs,
            "noise",
            tmp_path / folder,
            catalog=catalog,
            options=options,
            listener=told.append,
            seed=5,
        )
        assert [result.error for result in results] == [None] * len(results)
        return [Path(result.output).read_bytes() for result in results]

    together = made("together", 2, songs)
    (notice,) = [event.message for event in told if isinstance(event, Noticed)]
    assert notice.startswith("WaveNet plays long files in pieces of 1.2 s")
    (tmp_path / "alone").mkdir()
    assert made("alone", 1, songs[:1]) == together[:1]
    told.clear()
    whole = made("exact", 2, songs, exact=True)
    assert [event for event in told if isinstance(event, Noticed)] == []
    # what is short is not cut; what is long is as long as it was, and may even be the same:
    # where pieces have warmed up, they differ from the whole in rounding alone
    assert whole[1] == together[1]
    assert list(map(len, whole)) == list(map(len, together))


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
