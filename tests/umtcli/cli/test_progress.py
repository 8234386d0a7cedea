"""`umt convert` on a terminal: bars appear, advance with the music, and vanish."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shell import Shell, make_shell
from signals import noise, write
from umtcli.cli.progress import ConvertProgress
from umtcli.errors import DecodeError
from umtcli.pipeline.events import JobAdvanced, JobFinished, JobStarted, OutputFinished, RunPlanned
from umtcli.pipeline.jobs import Job
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import FILE_BLOCK_S

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

PATIENCE_S = 60
BEFORE = "$ umt convert"
"""A line that stands there already, and stays."""
PUSHES = 4
"""Of a song: three blocks, and what the encoder had kept back."""
Play = Callable[[int], object]

# each push to the decoder takes a byte from the pipe `go`
GATED = """\
import os, toy
go = os.open("go", os.O_RDWR)
plain = toy.ToyDecoderStreams.push
def gated(streams, blocks):
    os.read(go, 1)
    return plain(streams, blocks)
toy.ToyDecoderStreams.push = gated
"""


class Terminal:
    """What a program's stderr looks like on a terminal of 80 columns."""

    def __init__(self) -> None:
        self._ours, self.theirs = os.openpty()
        self._seen = BEFORE.encode() + b"\r\n"

    def wait_for(self, is_there: Callable[[list[str]], bool]) -> list[str]:
        """Look on until the screen shows something."""
        while not is_there(self.screen()):
            assert select.select([self._ours], [], [], PATIENCE_S)[0], self.screen()
            self._seen += os.read(self._ours, 1 << 16)
        return self.screen()

    def rest(self) -> list[str]:
        """What is left on the screen once the program has ended."""
        while select.select([self._ours], [], [], 0)[0]:
            self._seen += os.read(self._ours, 1 << 16)
        return self.screen()

    def screen(self) -> list[str]:
        """The lines that are not blank."""
        lines, row, column = [""], 0, 0
        text = self._seen.decode(errors="ignore")
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            if part == "\r":
                column = 0
            elif part == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif up := re.fullmatch(r"\x1b\[(\d+)A", part):
                row -= int(up[1])
            elif part == "\x1b[2K":
                lines[row] = ""
            elif not part.startswith("\x1b"):  # other sequences are colours and the cursor
                before, after = lines[row][:column].ljust(column), lines[row][column + len(part) :]
                lines[row] = before + part + after
                column += len(part)
        return [line.rstrip() for line in lines if line.strip()]

    def close(self) -> None:
        os.close(self._ours)
        os.close(self.theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Two songs of two and a half blocks each, to be played block by block."""
    made = make_shell(tmp_path, patch=GATED)
    for name in ("first.wav", "second.wav"):
        write(made.folder / name, noise(2.5 * FILE_BLOCK_S, 8_000, channels=1), 8_000)
    return made


@pytest.fixture
def play(shell: Shell) -> Iterator[Play]:
    """A function that lets the decoder be pushed so many times."""
    path = shell.folder / "go"
    os.mkfifo(path)
    go = os.open(path, os.O_RDWR)  # open all the time, or what was written would be forgotten
    yield lambda pushes: os.write(go, b"." * pushes)
    os.close(go)


@contextmanager
def started(
    shell: Shell, terminal: Terminal, *arguments: str, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """`umt convert` with its stderr on the terminal; its end is certain."""
    environment = {**shell.environment, "COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    command = ("umt", "convert", *arguments, "--to", "piano")
    with shell.start(*command, stdout=stdout, stderr=terminal.theirs, env=environment) as run:
        try:
            yield run
        finally:
            run.kill()


def percent(screen: list[str], name: str) -> int:
    """How far the bar of a name is; -1: there is none."""
    bars = [re.search(r"(\d+)%", line) for line in screen if line.startswith(name)]
    assert len(bars) <= 1
    return int(bars[0][1]) if bars and bars[0] else -1


def test_a_file_has_a_bar_that_advances_and_vanishes(
    shell: Shell, terminal: Terminal, play: Play
) -> None:
    with started(shell, terminal, "first.wav") as run:
        shown = terminal.wait_for(lambda screen: percent(screen, "first.wav") == 0)
        assert len(shown) == 2  # one file needs no bar of all files
        play(1)
        terminal.wait_for(lambda screen: percent(screen, "first.wav") == 40)
        play(1)
        terminal.wait_for(lambda screen: percent(screen, "first.wav") == 80)
        play(PUSHES - 2)
        out, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    assert terminal.rest() == [BEFORE]
    assert out.decode() == "first-piano.wav\n"


def test_several_files_share_a_bar(shell: Shell, terminal: Terminal, play: Play) -> None:
    with started(shell, terminal, "first.wav", "second.wav") as run:
        for name in ("all files", "first.wav", "second.wav"):  # both are at work
            terminal.wait_for(lambda screen, name=name: percent(screen, name) == 0)
        play(1)
        terminal.wait_for(lambda screen: percent(screen, "all files") == 20)
        play(2 * PUSHES - 2)  # all but one file's last
        terminal.wait_for(lambda screen: percent(screen, "all files") == 100)
        # the one that is done has left, the other has all but its last push
        terminal.wait_for(
            lambda screen: (
                sorted(percent(screen, name) for name in ("first.wav", "second.wav")) == [-1, 100]
            )
        )
        play(1)
        out, _ = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    assert terminal.rest() == [BEFORE]
    assert sorted(out.decode().splitlines()) == ["first-piano.wav", "second-piano.wav"]


def test_quiet_shows_no_bar(shell: Shell, terminal: Terminal, play: Play) -> None:
    with started(shell, terminal, "first.wav", "--quiet") as run:
        play(PUSHES)
        run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0
    assert terminal.rest() == [BEFORE]


def test_an_error_stays_where_the_bars_were(shell: Shell, terminal: Terminal, play: Play) -> None:
    (shell.folder / "second.wav").write_text("no music")
    with started(shell, terminal, "first.wav", "second.wav") as run:
        play(PUSHES)
        run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 1
    before, error, count = terminal.rest()
    assert before == BEFORE
    assert error.startswith("Error: Cannot decode second.wav")
    assert count == "1 made, 1 failed."


def test_results_on_the_same_terminal_stay_above_the_bars(
    shell: Shell, terminal: Terminal, play: Play
) -> None:
    with started(shell, terminal, "first.wav", "second.wav", stdout=terminal.theirs) as run:
        play(2 * PUSHES - 1)  # all but one file's last
        shown = terminal.wait_for(lambda screen: any("-piano.wav" in line for line in screen))
        assert shown[0] == BEFORE
        assert "-piano.wav" in shown[1]
        play(1)
        run.communicate(timeout=PATIENCE_S)
    before, *results = terminal.rest()
    assert before == BEFORE
    assert sorted(results) == ["first-piano.wav", "second-piano.wav"]


def test_one_reason_is_said_once_though_other_files_fail_in_between(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = ConvertProgress(quiet=False, json=False, to_stdout=False)
    for name, domain in (("a", "low"), ("b", "low"), ("a", "high"), ("b", "high")):
        job = Job(Path(f"{name}.wav"), ())
        error = DecodeError(f"Cannot decode {name}.wav: it is empty.")
        told(OutputFinished(job, Result(str(job), f"{name}-{domain}.wav", domain, error)))
    assert capsys.readouterr().err.splitlines() == [
        "Error: Cannot decode a.wav: it is empty.",
        "Error: Cannot decode b.wav: it is empty.",
    ]


def test_a_file_that_is_begun_again_counts_once(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    jobs = tuple(Job(Path(f"{name}.wav"), ()) for name in "ab")
    with os.fdopen(os.dup(terminal.theirs), "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with ConvertProgress(quiet=False, json=False, to_stdout=False) as told:
            told(RunPlanned(jobs))
            for _ in range(2):
                told(JobStarted(jobs[0], 10.0))
                told(JobFinished(jobs[0]))
            told(JobStarted(jobs[1], 10.0))
            told(JobAdvanced(jobs[1], 5.0))
            terminal.wait_for(lambda screen: percent(screen, "all files") == 75)
