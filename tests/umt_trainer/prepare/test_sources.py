"""NAME=FOLDER is read strictly, and folders are searched for what may be audio."""

from pathlib import Path

import pytest

from umt_trainer.prepare.sources import Source, parse_sources
from umtcli.errors import UsageError


def test_names_and_folders_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()  # only the first = separates
    sources = parse_sources([f"kazoo={tmp_path}", f"tuba-2={tmp_path / 'a=b'}"])
    assert sources == [Source("kazoo", tmp_path), Source("tuba-2", tmp_path / "a=b")]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["kazoo"], "Say NAME=FOLDER"),
        (["kazoo="], "Say NAME=FOLDER"),
        (["=."], "no name for a domain"),
        (["Kazoo=."], "no name for a domain"),
        (["../up=."], "no name for a domain"),
        (["kazoo=.", "kazoo=.."], "two domains called kazoo"),
        (["kazoo=nowhere"], "no folder nowhere"),
    ],
)
def test_what_is_wrong_is_named(texts: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_sources(texts)


def test_all_folders_below_are_searched_but_for_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.wav", "deep/er/a.mp3", "odd.xyz", "cover.JPG", ".trash/c.wav", "list.m3u"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    source = Source("kazoo", tmp_path)
    labels = [source.label(path) for path in source.files()]
    assert labels == ["b.wav", "deep/er/a.mp3", "odd.xyz"]


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    path.touch()
    source = Source("kazoo", path)
    assert source.files() == [path]
    assert source.label(path) == "take.wav"
