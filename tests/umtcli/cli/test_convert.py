"""`umt convert` at the command line: exit codes, and what goes to which stream."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from signals import noise, read, write
from toy import ToyDecoderStreams
from umtcli.cli import main

pytestmark = pytest.mark.usefixtures("toy_installed")

Capture = pytest.CaptureFixture[str]
CaptureBytes = pytest.CaptureFixture[bytes]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write(tmp_path / "song.wav", noise(0.5))


def test_a_song_is_played_beside_itself(song: Path, capsys: Capture) -> None:
    assert main(["convert", str(song), "--to", "toy"]) == 0
    output = song.with_name("song-toy.wav")
    assert capsys.readouterr().out == f"{output}\n"
    assert len(read(output)[0]) == 8_000


def test_the_named_file_is_written(song: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "out.flac"
    assert main(["convert", str(song), "--to", "toy", "-o", str(target), "--bits", "24"]) == 0
    assert soundfile.info(target).subtype == "PCM_24"


def test_a_folder_is_searched_for_audio(song: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    (album / "cd1").mkdir(parents=True)
    write(album / "cd1" / "a.wav", noise(0.2))
    write(album / "b.flac", noise(0.2))
    (album / "notes.txt").write_text("a great album")
    arguments = ["convert", str(album), "--to", "toy", "-o", str(tmp_path / "out")]
    assert main(arguments) == 0
    made = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("[!.]*.*"))
    assert made == ["b-toy.flac", str(Path("cd1", "a-toy.wav"))]


def test_a_folder_can_be_converted_again(tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    write(album / "a.wav", noise(0.2))
    assert main(["convert", str(album), "--to", "toy"]) == 0
    assert main(["convert", str(album), "--to", "toy", "--overwrite"]) == 0
    assert sorted(p.name for p in album.glob("[!.]*")) == ["a-toy.wav", "a.wav"]


def test_json_is_one_object_an_output(song: Path, tmp_path: Path, capsys: Capture) -> None:
    missing = tmp_path / "missing.wav"
    assert main(["convert", str(song), str(missing), "--to", "toy", "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # what fails early is told early
    done, failed = sorted(lines, key=lambda line: str(line["status"]))
    assert done["status"] == "done"
    assert done["output"] == str(song.with_name("song-toy.wav"))
    assert done["duration_s"] == 0.5
    assert done["real_time_factor"] > 0
    assert failed["status"] == "failed"
    assert failed["error_type"] == "DecodeError"


def test_one_bad_input_fails_the_command_but_not_the_rest(
    song: Path, tmp_path: Path, capsys: Capture
) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"nonsense" * 100)
    assert main(["convert", str(bad), str(song), "--to", "toy"]) == 1
    captured = capsys.readouterr()
    assert captured.out == f"{song.with_name('song-toy.wav')}\n"
    error, summary = captured.err.splitlines()
    assert "bad.mp3" in error
    assert summary == "1 made, 1 failed."


def test_debug_shows_the_traceback_of_a_failed_input(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("toy.ToyDecoderStreams.push", fail)
    assert main(["convert", str(song), "--to", "toy"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert main(["convert", str(song), "--to", "toy", "--debug"]) == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "RuntimeError: shapes do not match" in err


def test_an_unknown_domain_is_wrong_usage_with_a_suggestion(song: Path, capsys: Capture) -> None:
    assert main(["convert", str(song), "--to", "toi"]) == 2
    assert "Did you mean toy?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "gain_db"], "NAME=VALUE"),
        (["--set", "gain_db=99"], "-60 … 12 dB"),
        (["--set", "loudness=1"], "no option 'loudness'"),
        (["--format", "xyz"], "Cannot write 'xyz'"),
        (["-o", "out.xyz"], "Cannot write .xyz"),
        (["--bits", "8"], "--bits"),
        (["--mix", "2"], "--mix"),
        (["--rate", "3"], "--rate"),
        (["--to", "toy*loud+toy"], "Write a mix like 'piano*0.7+strings*0.3'"),
        (["--device", "abacus"], "--device"),
        (["--midi"], "the toy family, which plays toy, hears no notes"),
        (["--midi", "-o", "-"], "--midi"),
    ],
)
def test_a_request_that_makes_no_sense_is_wrong_usage(
    song: Path, arguments: list[str], said: str, capsys: Capture
) -> None:
    assert main(["convert", str(song), "--to", "toy", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert [p.name for p in song.parent.glob("*.wav")] == ["song.wav"]


def test_an_option_changes_the_music(song: Path, tmp_path: Path) -> None:
    # short enough to get no gain
    short = write(tmp_path / "short.wav", noise(0.3))
    main(["convert", str(short), "--to", "toy", "-o", str(tmp_path / "a.wav")])
    main(["convert", str(short), "--to", "toy", "--set", "gain_db=-6",
          "-o", str(tmp_path / "b.wav")])  # fmt: skip
    loud, quiet = (np.abs(read(tmp_path / f"{name}.wav")[0]).max() for name in "ab")
    assert 20 * np.log10(loud / quiet) == pytest.approx(6, abs=0.1)


def test_what_exists_is_refused_without_overwrite(song: Path, capsys: Capture) -> None:
    output = song.with_name("song-toy.wav")
    output.write_text("precious")
    assert main(["convert", str(song), "--to", "toy"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert output.read_text() == "precious"
    assert main(["convert", str(song), "--to", "toy", "--overwrite"]) == 0
    assert len(read(output)[0]) == 8_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no control characters in names")
def test_control_characters_in_names_are_shown_escaped(tmp_path: Path, capsys: Capture) -> None:
    name = "evil\x1b[2Jname\n.wav"
    song = write(tmp_path / "song.wav", noise(0.2)).rename(tmp_path / name)
    assert main(["convert", str(song), str(tmp_path / f"no{name}"), "--to", "toy"]) == 1
    captured = capsys.readouterr()
    for text in captured.out, captured.err:
        assert "\x1b" not in text
        assert text.count(r"evil\x1b[2Jname\n") == 1
    assert captured.out.count("\n") == 1
    assert captured.err.count("\n") == 2


def test_an_interruption_leaves_no_output(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("toy.ToyDecoderStreams.push", interrupt)
    assert ToyDecoderStreams.push is interrupt
    assert main(["convert", str(song), "--to", "toy"]) == 130
    assert capsys.readouterr().err == "Error: Interrupted.\n"
    assert list(song.parent.glob("*toy*")) == []
    assert list(song.parent.glob(".umt*")) == []


def test_stdout_carries_nothing_but_audio(
    song: Path, tmp_path: Path, capsysbinary: CaptureBytes
) -> None:
    assert main(["convert", str(song), "--to", "toy", "-o", "-", "--json"]) == 0
    out, err = capsysbinary.readouterr()
    (tmp_path / "piped.wav").write_bytes(out)
    main(["convert", str(song), "--to", "toy", "-o", str(tmp_path / "file.wav")])
    assert out[:4] == b"RIFF"
    assert len(read(tmp_path / "piped.wav")[0]) == len(read(tmp_path / "file.wav")[0])
    (line,) = err.splitlines()
    assert json.loads(line)["output"] == "-"


@pytest.mark.parametrize("name", ["flac", "mp3", "ogg"])
def test_stdout_takes_other_formats(song: Path, capsysbinary: CaptureBytes, name: str) -> None:
    assert main(["convert", str(song), "--to", "toy", "-o", "-", "--format", name]) == 0
    file = io.BytesIO(capsysbinary.readouterr().out)
    assert soundfile.info(file).format.lower().startswith(name[:2])


def test_standard_input_is_read(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.wav"
    with io.TextIOWrapper(song.open("rb")) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["convert", "-", "--to", "toy", "-o", str(output)]) == 0
    assert len(read(output)[0]) == 8_000


def test_standard_input_needs_a_name_for_its_output(capsys: Capture) -> None:
    assert main(["convert", "-", "--to", "toy"]) == 2
    assert "-o FILE" in capsys.readouterr().err


def test_audio_is_not_poured_into_a_terminal(
    song: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["convert", str(song), "--to", "toy", "-o", "-"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "terminal" in captured.err


def test_quiet_says_nothing(song: Path, capsys: Capture) -> None:
    assert main(["convert", str(song), "--to", "toy", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_importing_the_command_loads_no_torch() -> None:
    code = "import sys, umtcli.cli.convert; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
