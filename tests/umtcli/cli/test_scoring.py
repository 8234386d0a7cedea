"""`umt convert --score`, with plugins that measure in the place of the trainer's."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import umtcli.cli
from noting import NotingFamily
from signals import noise, write
from toy import ToyFamily
from umtcli.cli import main

Capture = pytest.CaptureFixture[str]

RULER = """
from umtcli import hookimpl
from umtcli.errors import UmtError

@hookimpl
def umt_measure(source, output):
    assert source.exists() and output.exists()
    {body}
"""


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write(tmp_path / "song.wav", noise(0.3))


@pytest.fixture
def ruler(toy_installed: Path, site_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_ruler(site_folder, monkeypatch, "return {'closeness': 0.75, 'ratio': float('inf')}")


def add_ruler(site_folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    (site_folder / "ruler.py").write_text(RULER.format(body=body))
    found = [*umtcli.cli.installed_entry_points(), EntryPoint("ruler", "ruler", "umt")]
    monkeypatch.setattr("umtcli.cli.installed_entry_points", lambda: found)


@pytest.mark.usefixtures("ruler")
def test_each_output_is_measured_beside_its_input(song: Path, capsys: Capture) -> None:
    assert main(["convert", str(song), "--to", "toy", "--score"]) == 0
    output = song.with_name("song-toy.wav")
    told = capsys.readouterr().out.splitlines()
    assert told == [str(output), f"{output}: closeness 0.750, ratio inf"]
    # an output that was made before is measured, too
    assert main(["convert", str(song), "--to", "toy", "--score"]) == 0
    assert told[1] in capsys.readouterr().out


@pytest.mark.usefixtures("ruler")
def test_notes_are_not_measured(
    song: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToyFamily, "note_streams", NotingFamily.note_streams, raising=False)
    assert main(["convert", str(song), "--to", "toy", "--score", "--midi"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == [str(song.with_name("song-toy.wav")), str(song.with_suffix(".mid"))]
    assert len(told) == 3


@pytest.mark.usefixtures("ruler")
def test_json_has_an_object_of_its_own(song: Path, capsys: Capture) -> None:
    assert main(["convert", str(song), "--to", "toy", "--score", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    done, score = (json.loads(line, parse_constant=pytest.fail) for line in lines)
    assert score == {"output": done["output"], "score": {"closeness": 0.75, "ratio": None}}


@pytest.mark.usefixtures("ruler")
def test_what_failed_is_not_measured(song: Path, capsys: Capture) -> None:
    missing = str(song.with_name("missing.wav"))
    assert main(["convert", str(song), missing, "--to", "toy", "--score"]) == 1
    assert capsys.readouterr().out.count("closeness") == 1


@pytest.mark.usefixtures("ruler")
@pytest.mark.parametrize("where", [["-o", "-"], ["--dry-run"]])
def test_outputs_that_are_no_files_cannot_be_measured(
    song: Path, where: list[str], capsys: Capture
) -> None:
    assert main(["convert", str(song), "--to", "toy", "--score", *where]) == 2
    assert "--score measures files" in capsys.readouterr().err
    assert not song.with_name("song-toy.wav").exists()


@pytest.mark.usefixtures("toy_installed")
def test_without_a_plugin_that_measures_nothing_is_begun(song: Path, capsys: Capture) -> None:
    assert main(["convert", str(song), "--to", "toy", "--score"]) == 2
    assert "--score needs a plugin that measures" in capsys.readouterr().err
    assert not song.with_name("song-toy.wav").exists()


@pytest.mark.usefixtures("toy_installed")
@pytest.mark.parametrize(
    ("body", "says"),
    [("1 / 0", "ZeroDivisionError"), ("raise UmtError('Too short.')", "Too short.")],
)
def test_a_plugin_that_breaks_is_told_and_the_output_stays(
    song: Path,
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    says: str,
    capsys: Capture,
) -> None:
    add_ruler(site_folder, monkeypatch, body)
    assert main(["convert", str(song), "--to", "toy", "--score"]) == 1
    error = capsys.readouterr().err
    assert f"song-toy.wav is not measured: {says}" in error
    assert "Traceback" not in error
    assert song.with_name("song-toy.wav").exists()
