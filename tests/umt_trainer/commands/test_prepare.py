"""`umt prepare` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signals import noise, write
from umtcli.cli import main

pytestmark = pytest.mark.usefixtures("only_umt")

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(3):
        write(folder / f"{k}.wav", noise(5.0, 8_000, 1, level=0.1 + k / 10), 8_000)
    return folder


def test_what_was_made_is_told_and_lies_there(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "data"
    assert main(["prepare", f"kazoo={folder}", "-o", str(out)]) == 0
    shown = capsys.readouterr()
    assert shown.out == "kazoo: 3 recordings, 0.2 minutes (train 0.1, val 0.1, test 0.1)\n"
    assert shown.err == ""
    manifest = json.loads((out / "kazoo" / "manifest.json").read_text())
    assert (manifest["family"], manifest["sample_rate"]) == ("harmonic", 44_100)


def test_the_family_decides_the_rate(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    assert main(["prepare", f"kazoo={folder}", "-o", str(out), "--family", "wavenet"]) == 0
    manifest = json.loads((out / "kazoo" / "manifest.json").read_text())
    assert (manifest["family"], manifest["sample_rate"]) == ("wavenet", 16_000)


def test_a_broken_file_is_told_and_fails_the_command_but_not_the_rest(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    (folder / "broken.mp3").write_bytes(b"no music" * 99)
    assert main(["prepare", f"kazoo={folder}", "-o", str(tmp_path / "data"), "--json"]) == 1
    shown = capsys.readouterr()
    row = json.loads(shown.out)
    assert (row["recordings"], row["duration_s"]) == (3, 15.0)
    (left_out,) = row["left_out"]
    assert left_out["file"] == "broken.mp3"
    assert "Left out: Cannot decode" in shown.err


def test_a_long_list_of_rejects_is_cut_short(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    for k in range(14):
        write(folder / f"short-{k}.wav", noise(0.2, 8_000, 1), 8_000)
    assert main(["prepare", f"kazoo={folder}", "-o", str(tmp_path / "data")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert "and 4 more" in lines[-1]


def test_an_unknown_family_is_told_the_choices(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    code = main(["prepare", f"kazoo={folder}", "-o", str(tmp_path), "--family", "gan"])
    assert code == 2
    assert "no family 'gan'. Installed: harmonic, wavenet" in capsys.readouterr().err
