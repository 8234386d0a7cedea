"""`umt blend` at the command line: exit codes, and what goes to which stream."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import umtcli
from signals import noise, read, write
from umtcli.cli import main
from umtcli.cli.blend import blend as command

pytestmark = pytest.mark.usefixtures("toy_installed")

Capture = pytest.CaptureFixture[str]
SHORT = ["--to", "toy", "--at", "0.5", "--crossfade", "0.25"]


@pytest.fixture
def pieces(tmp_path: Path) -> list[str]:
    return [str(write(tmp_path / f"{name}.wav", noise(1.0))) for name in "ab"]


def test_two_pieces_become_one_beside_the_first(
    pieces: list[str], tmp_path: Path, capsys: Capture
) -> None:
    assert main(["blend", *pieces, *SHORT]) == 0
    output = tmp_path / "a-b-toy.wav"
    assert capsys.readouterr().out == f"{output}\n"
    assert len(read(output)[0]) == 24_000


def test_the_papers_times_are_the_defaults(pieces: list[str], tmp_path: Path) -> None:
    for path in pieces:
        write(Path(path), noise(5.0))
    assert main(["blend", *pieces, "--to", "toy"]) == 0
    assert len(read(tmp_path / "a-b-toy.wav")[0]) == 8.5 * 16_000


def test_the_command_and_the_function_have_the_same_defaults() -> None:
    by_hand = inspect.signature(umtcli.blend).parameters
    at_the_line = inspect.signature(command).parameters
    assert by_hand["at_s"].default == at_the_line["at"].default == 3.5
    assert by_hand["crossfade_s"].default == at_the_line["crossfade"].default == 1.5


def test_json_is_one_object(pieces: list[str], capsys: Capture) -> None:
    assert main(["blend", *pieces, *SHORT, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "done"
    assert told["duration_s"] == 1.5


def test_quiet_says_nothing(pieces: list[str], capsys: Capture) -> None:
    assert main(["blend", *pieces, *SHORT, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_piece_fails_the_command(
    pieces: list[str], missing: int, capsys: Capture
) -> None:
    Path(pieces[missing]).unlink()
    assert main(["blend", *pieces, *SHORT]) == 1
    err = capsys.readouterr().err
    assert pieces[missing] in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "-1"], "--at takes seconds"),
        (["--crossfade", "long"], "--crossfade"),
        (["--to", "toi"], "Did you mean toy?"),
        (["--to", "toy+"], "'piano*0.7+strings*0.3'"),
        (["--set", "gain_db"], "NAME=VALUE"),
        (["--device", "abacus"], "--device"),
    ],
)
def test_a_request_that_makes_no_sense_is_wrong_usage(
    pieces: list[str], arguments: list[str], said: str, capsys: Capture
) -> None:
    assert main(["blend", *pieces, *SHORT, *arguments]) == 2
    assert said in capsys.readouterr().err


def test_what_exists_is_refused_without_overwrite(pieces: list[str], capsys: Capture) -> None:
    assert main(["blend", *pieces, *SHORT]) == 0
    assert main(["blend", *pieces, *SHORT, "--seed", "1"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main(["blend", *pieces, *SHORT, "--seed", "1", "--overwrite"]) == 0


def test_what_is_done_is_said_to_be(pieces: list[str], capsys: Capture) -> None:
    assert main(["blend", *pieces, *SHORT]) == 0
    first = capsys.readouterr()
    assert main(["blend", *pieces, *SHORT]) == 0
    again = capsys.readouterr()
    assert (first.err, again.err) == ("", "1 done already.\n")
    assert again.out == first.out


def test_stdout_carries_nothing_but_audio(
    pieces: list[str], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["blend", *pieces, *SHORT, "-o", "-", "--json"]) == 0
    out, err = capsysbinary.readouterr()
    (tmp_path / "piped.wav").write_bytes(out)
    assert len(read(tmp_path / "piped.wav")[0]) == 24_000
    assert json.loads(err)["output"] == "-"


def test_audio_is_not_poured_into_a_terminal(
    pieces: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(["blend", *pieces, *SHORT, "-o", "-"]) == 2
    assert "terminal" in capsys.readouterr().err


def test_importing_the_command_loads_no_torch() -> None:
    code = "import sys, umtcli.cli.blend; sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0
