"""`umt import-fair` at the command line, and what it installs at work."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import soundfile

import fair_zip
from signals import noise, write
from umtcli.cli import main
from umtcli.media import probe

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """umt's own domains and an empty data folder; nothing else that is installed."""
    own = EntryPoint("domains", "umt_domains.plugin", "umt")
    monkeypatch.setattr("umtcli.cli.installed_entry_points", lambda: [own])
    monkeypatch.setenv("UMT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def whole_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("download") / "pretrained_musicnet.zip"
    return fair_zip.write_zip(path, fair_zip.members())


def test_the_licence_is_shown_and_the_domains_are_listed(whole_zip: Path, capsys: Capture) -> None:
    assert main(["import-fair", str(whole_zip)]) == 0
    shown = capsys.readouterr()
    assert "CC BY-NC 4.0" in shown.err
    assert "beethoven-quartet" in shown.out
    assert main(["domains", "bach-cello"]) == 0
    assert "CC BY-NC 4.0" in capsys.readouterr().out


def test_json_is_one_object_a_domain_and_quiet_says_nothing(
    whole_zip: Path, capsys: Capture
) -> None:
    assert main(["import-fair", str(whole_zip), "--which", "last", "--json", "--quiet"]) == 0
    shown = capsys.readouterr()
    rows = [json.loads(line) for line in shown.out.splitlines()]
    assert [row["domain"] for row in rows][:2] == ["bach-cello", "beethoven-piano"]
    assert {row["licence"] for row in rows} == {"CC BY-NC 4.0"}
    assert all(Path(row["path"]).exists() for row in rows)
    assert shown.err == ""


def test_a_file_that_is_no_zip_fails_in_one_line(
    tmp_path: Path, home: Path, capsys: Capture
) -> None:
    song = write(tmp_path / "song.wav", noise(0.1))
    assert main(["import-fair", str(song)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert "song.wav is not a whole zip file" in shown.err
    assert not home.exists()


def test_another_state_than_best_or_last_is_wrong_usage(whole_zip: Path) -> None:
    assert main(["import-fair", str(whole_zip), "--which", "worst"]) == 2


def test_an_imported_domain_plays_a_stereo_song_in_step(
    whole_zip: Path, tmp_path: Path, capsys: Capture
) -> None:
    song = write(tmp_path / "song.flac", noise(0.25))
    assert main(["import-fair", str(whole_zip), "--quiet"]) == 0
    assert main(["convert", str(song), "--to", "beethoven-piano", "--device", "cpu"]) == 0
    output = Path(capsys.readouterr().out.splitlines()[-1])
    with soundfile.SoundFile(output) as played:
        assert (played.samplerate, played.channels) == (16_000, 2)
        assert len(played) == 4_000
    assert "CC BY-NC 4.0" in probe(output).tags["comment"]
