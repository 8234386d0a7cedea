"""`umt convert` with many files: lists, folders, shares, and what is told at the end."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from signals import noise, write
from umtcli.cli import main
from umtcli.cli.batch import parse_shard, split_list
from umtcli.cli.progress import LONG_RUN
from umtcli.errors import UsageError

pytestmark = pytest.mark.usefixtures("toy_installed")

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "album" / "cd1").mkdir(parents=True)
    write(tmp_path / "album" / "a.wav", noise(0.2, 8_000), 8_000)
    write(tmp_path / "album" / "cd1" / "b.flac", noise(0.2, 8_000), 8_000)
    return tmp_path / "album"


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"a.wav\nb c.wav\n", ["a.wav", "b c.wav"]),
        (b"a.wav", ["a.wav"]),
        (b"\n\na.wav\n\n", ["a.wav"]),
        (b"a\nb.wav\0 c.wav \0", ["a\nb.wav", " c.wav "]),
        (b"-\n", ["./-"]),
        (b"\xff.wav\n", ["\udcff.wav"]),
        (b"", []),
    ],
)
def test_a_list_holds_names(data: bytes, names: list[str]) -> None:
    assert split_list(data) == names


@pytest.mark.parametrize("source", ["list.txt", "-"])
def test_inputs_may_come_from_a_list(
    album: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, source: str
) -> None:
    data = b"album/a.wav\0album/cd1\0"
    give(monkeypatch, data)
    Path("list.txt").write_bytes(data)
    assert main(["convert", "--files-from", source, "--to", "toy", "-o", "out"]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == [
        str(Path("out", "a-toy.wav")),
        str(Path("out", "b-toy.flac")),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--files-from", "missing.txt"], "Cannot read the list missing.txt: No such file"),
        (["--files-from", os.devnull], "names no files"),
        (["--files-from", "-", "-", "-o", "x.wav"], "cannot be both"),
        (["album", "--shard", "0/2"], "I from 1 to N"),
        (["album", "--shard", "3/2"], "I from 1 to N"),
        (["album", "--shard", "one"], "--shard takes I/N"),
        (["album", "--flat"], "-o FOLDER"),
        (["album", "--name", "{artist}.{ext}"], "the fields are"),
        (["album", "--timeout", "0"], "--timeout takes seconds above 0"),
        (["album", "--max-duration", "nan"], "--max-duration takes seconds above 0"),
        (["album", "--exclude", "*"], "no audio in the folder"),
        ([], "Say what to convert"),
    ],
)
def test_wrong_usage_is_refused_before_any_work(
    album: Path, capsys: Capture, arguments: list[str], said: str
) -> None:
    assert main(["convert", "--to", "toy", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_dry_run_prints_what_would_be_made(album: Path, capsys: Capture) -> None:
    arguments = ["convert", "album", "--to", "toy", "-o", "out"]
    assert main([*arguments, "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "album/a.wav → out/a-toy.wav",
        "album/cd1/b.flac → out/cd1/b-toy.flac",
    ]
    assert captured.err == "2 to be made.\n"
    assert not Path("out").exists()


def test_the_second_run_says_what_was_done_already(album: Path, capsys: Capture) -> None:
    arguments = ["convert", "album", "--to", "toy", "-o", "out"]
    assert main(arguments) == 0
    first = capsys.readouterr()
    assert first.err == ""
    (album / "c.wav").write_bytes(b"no music")
    assert main(arguments) == 1
    second = capsys.readouterr()
    assert sorted(second.out.splitlines()) == sorted(first.out.splitlines())
    assert second.err.splitlines()[-1] == "2 done already, 1 failed."
    assert main([*arguments, "--json", "--quiet"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted((Path(line["input"]).name, line["status"]) for line in lines) == [
        ("a.wav", "skipped"),
        ("b.flac", "skipped"),
        ("c.wav", "failed"),
    ]


def test_a_long_run_tells_its_failures_again_at_the_end(tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for number in range(LONG_RUN + 1):
        (folder / f"{number}.wav").touch()
    assert main(["convert", str(folder), "--to", "toy"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[LONG_RUN + 1] == f"{LONG_RUN + 1} failed."
    again = [line.strip() for line in lines[LONG_RUN + 2 :]]
    # as they came, in any order, and in the end in the inputs' order
    assert sorted(line.removeprefix("Error: ") for line in lines[: LONG_RUN + 1]) == again
    assert all(
        str(path) in line for path, line in zip(sorted(folder.glob("*.wav")), again, strict=True)
    )


def test_a_shard_without_files_has_nothing_to_do(album: Path, capsys: Capture) -> None:
    assert main(["convert", "album", "--to", "toy", "--shard", "3/3"]) == 0
    assert capsys.readouterr().err == "There is nothing to do.\n"


@pytest.mark.parametrize("text", ["1", "1/", "/2", "1/2/3", "-1/2", "１/2", "1 / 2"])
def test_a_shard_is_two_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="I/N"):
        parse_shard(text)
