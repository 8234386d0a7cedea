"""What is on disk after a fault, and what a second run does: docs/reliability.md, row by row."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from shell import Shell, make_shell
from signals import noise, write

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL, FIFOs and bash")

BREAK = """
import os, signal, time, toy, umtcli.media.pending
fault = os.environ.get("FAULT")
told = []
push, replace = toy.ToyDecoderStreams.push, os.replace

def slowly(*arguments):
    if not told:
        told.append(True)
        open(os.environ["STARTED"], "w").close()  # a FIFO that the test waits at
    time.sleep(1)
    return push(*arguments)

def fatally(*arguments):
    if fault == "after naming":
        replace(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

if fault == "while playing":
    toy.ToyDecoderStreams.push = slowly
elif fault:
    umtcli.media.pending.os.replace = fatally
"""
SECONDS = 30
"""Of the song: longer than what fits into ffmpeg's pipe, so that it is still decoding."""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = make_shell(tmp_path, BREAK)
    write(made.folder / "song.wav", noise(SECONDS, 8_000), 8_000)
    os.mkfifo(made.folder / "started")
    return made


def start(shell: Shell, fault: str, *options: str) -> subprocess.Popen[bytes]:
    """Start a conversion that is at fault."""
    environment = {**shell.environment, "FAULT": fault, "STARTED": str(shell.folder / "started")}
    song = shell.folder / "song.wav"
    return shell.start(
        "umt", "convert", song, "--to", "piano", "-o", "out/", *options, env=environment
    )


def start_playing(shell: Shell, *options: str) -> subprocess.Popen[bytes]:
    """Start one and return when its first block is played."""
    process = start(shell, "while playing", *options)
    (shell.folder / "started").open().close()
    return process


def files(shell: Shell) -> list[str]:
    return sorted(path.name for path in (shell.folder / "out").iterdir())


def processes(shell: Shell) -> list[str]:
    """The command lines that have to do with the song."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue  # it ended meanwhile
        if str(shell.folder / "song.wav") in line:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The output of a run without faults."""
    shell = make_shell(tmp_path_factory.mktemp("whole"))
    write(shell.folder / "song.wav", noise(SECONDS, 8_000), 8_000)
    done = shell.run("umt convert song.wav --to piano")
    assert (done.stdout, done.stderr) == ("song-piano.wav\n", "")
    return (shell.folder / "song-piano.wav").read_bytes()


def finish(shell: Shell) -> bytes:
    """Run it again without a fault."""
    assert shell.run("umt convert song.wav --to piano -o out/").stdout == "out/song-piano.wav\n"
    assert files(shell) == [".umt.jsonl", "song-piano.wav"]
    return (shell.folder / "out" / "song-piano.wav").read_bytes()


@pytest.mark.parametrize(
    ("number", "code", "said", "options"),
    [
        (signal.SIGINT, 130, b"Error: Interrupted.\n", ()),
        (signal.SIGTERM, 143, b"Error: Ended by SIGTERM.\n", ()),
        (signal.SIGTERM, 143, b"Error: Ended by SIGTERM.\n", ("--timeout", "10000")),
    ],
)
def test_a_signal_leaves_nothing_behind(
    shell: Shell, number: int, code: int, said: bytes, options: tuple[str, ...]
) -> None:
    process = start_playing(shell, *options)
    assert [name for name in files(shell) if name.endswith(".part")]
    assert processes(shell)
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (code, b"", said)
    assert files(shell) == []
    assert processes(shell) == []


@pytest.mark.parametrize("source", ["-", "live"])
def test_an_interrupt_ends_what_waits_for_more_of_a_pipe(shell: Shell, source: str) -> None:
    live = shell.folder / "live"
    os.mkfifo(live)
    held = os.open(live, os.O_RDWR)  # as a writer that never ends
    content = (shell.folder / "song.wav").read_bytes()
    content = content[: len(content) * 2 // 5]  # two blocks, and not quite a third
    writing = threading.Thread(target=os.write, args=(held, content), daemon=True)
    writing.start()
    environment = {
        **shell.environment, "FAULT": "while playing", "STARTED": str(shell.folder / "started"),
    }  # fmt: skip
    process = shell.start(
        "umt", "convert", source, "--to", "piano", "-o", "out/", env=environment, stdin=held
    )
    (shell.folder / "started").open().close()
    writing.join()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    os.close(held)
    assert (process.returncode, out, err) == (130, b"", b"Error: Interrupted.\n")
    assert files(shell) == []


@pytest.mark.parametrize("fault", ["while playing", "before naming", "after naming"])
def test_a_run_that_was_killed_is_finished_by_the_next(
    shell: Shell, fault: str, whole: bytes
) -> None:
    if fault == "while playing":
        process = start_playing(shell)
        process.kill()
    else:
        process = start(shell, fault)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    left = [name for name in files(shell) if not name.startswith(".")]
    assert left == (["song-piano.wav"] if fault == "after naming" else [])
    assert finish(shell) == whole


def test_when_nobody_reads_the_audio_it_ends_without_a_word(shell: Shell) -> None:
    process = shell.start("umt", "convert", "song.wav", "--to", "piano", "-o", "-", "--format",
                          "wav")  # fmt: skip
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.communicate()[1] == b""
    assert process.returncode == 141


def test_when_nobody_reads_the_results_it_ends_without_a_word(shell: Shell) -> None:
    process = shell.start("umt", "convert", "song.wav", "--to", "piano,strings")
    assert process.stdout is not None
    process.stdout.close()
    assert process.communicate()[1] == b""
    assert process.returncode == 141
    made = [path.name for path in shell.folder.glob("song-*")]
    assert made == ["song-piano.wav"]  # what was complete stays
    assert not list(shell.folder.glob("*.part"))


def test_a_full_disk_leaves_nothing_under_a_final_name(shell: Shell, whole: bytes) -> None:
    # the largest file that it may write is smaller than the output, as the disk's rest would be
    done = shell.run("ulimit -f 200; umt convert song.wav --to piano -o out/ --json || true")
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["status"] == "failed"
    assert "File too large" in json.loads(line)["error"]
    assert files(shell) == []
    assert finish(shell) == whole
