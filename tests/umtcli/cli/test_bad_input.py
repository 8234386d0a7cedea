"""`umt convert` with every kind of bad input in one call: what can be done is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from signals import noise, read, silence, write
from umtcli.cli import main
from umtcli.errors import UmtError
from umtcli.media import find_ffmpeg, open_audio
from umtcli.pipeline.levels import Spool

Capture = pytest.CaptureFixture[str]
NOBODY = 65_534
"""A user without rights, on every POSIX system."""


def mp3(path: Path, duration_s: float) -> Path:
    """Noise as an mp3."""
    wav = write(path.with_suffix(".wav"), noise(duration_s))
    command = [find_ffmpeg(), "-v", "error", "-i", str(wav), "-b:a", "128k", str(path)]
    subprocess.run(command, check=True)
    wav.unlink()
    return path


@pytest.mark.usefixtures("toy_installed")
def test_each_bad_file_has_its_line_and_the_good_ones_are_done(
    tmp_path: Path, capsys: Capture
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "empty.mp3").touch()
    (folder / "text.mp3").write_text("these are words\n" * 100)
    write(folder / "nothing.wav", silence(0.0))
    whole = mp3(folder / "cut.mp3", 1.0)
    whole.write_bytes(whole.read_bytes()[:8_000])  # half of it, within a frame
    write(folder / "telephone.wav", noise(0.5, 8_000, 1), 8_000)
    surround = noise(0.5, 96_000, 6)
    soundfile.write(folder / "surround.flac", surround, 96_000, subtype="PCM_24")
    write(folder / "there.wav", noise(0.5))
    names = ("missing.wav", "empty.mp3", "text.mp3", "nothing.wav", "cut.mp3", "telephone.wav")
    inputs = [str(folder / name) for name in (*names, "surround.flac", "there.wav")]
    out = tmp_path / "out"
    out.mkdir()
    (out / "there-toy.wav").write_text("not made by umt")

    assert main(["convert", *inputs, "--to", "toy", "-o", f"{out}{os.sep}", "--json"]) == 1

    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    results = {Path(r["input"]).name: r for r in map(json.loads, shown.out.splitlines())}
    reasons = {
        "missing.wav": "no such file",
        "empty.mp3": "the file is empty",
        "text.mp3": "nothing in it can be read as audio",
        "nothing.wav": "it holds no audio",
        "there.wav": "--overwrite",
    }
    for name, reason in reasons.items():
        assert results[name]["status"] == "failed"
        assert reason in results[name]["error"]
        assert "\n" not in results[name]["error"]
    for name in ("cut.mp3", "telephone.wav", "surround.flac"):
        assert results[name]["status"] == "done"
    assert (out / "there-toy.wav").read_text() == "not made by umt"
    wave, rate = read(Path(results["telephone.wav"]["output"]))
    assert len(wave) == pytest.approx(0.5 * rate, abs=1)
    assert wave.shape[1] == 1
    wave, rate = read(Path(results["surround.flac"]["output"]))
    assert len(wave) == pytest.approx(0.5 * rate, abs=1)
    assert wave.shape[1] == 2
    wave, rate = read(Path(results["cut.mp3"]["output"]))
    assert len(wave) / rate == pytest.approx(0.47, abs=0.05)
    assert float(np.abs(wave).max()) > 0


@pytest.mark.usefixtures("toy_installed")
def test_an_unknown_domain_is_answered_with_the_nearest(tmp_path: Path, capsys: Capture) -> None:
    song = write(tmp_path / "song.wav", noise(0.2))
    assert main(["convert", str(song), "--to", "toi"]) == 2
    assert "toy" in capsys.readouterr().err


def refusal(step: Callable[[], object]) -> str:
    """What a user without rights is told; root, who has all, becomes another user for it."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        if os.geteuid() == 0:
            os.setuid(NOBODY)
        try:
            step()
            os.write(send, b"allowed")
        except UmtError as e:
            os.write(send, str(e).encode())
        finally:
            os._exit(0)
    os.close(send)
    with os.fdopen(receive) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork and become another user")
def test_locked_files_and_folders_are_refused(tmp_path: Path) -> None:
    locked = write(tmp_path / "locked.wav", noise(0.1))
    closed = tmp_path / "closed"
    closed.mkdir()
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)  # the other user may come as far as here
    locked.chmod(0o000)
    closed.chmod(0o555)
    told = f"Cannot decode {locked}: permission denied. Are you its owner?"
    assert refusal(lambda: open_audio(locked)) == told
    told = f"Cannot write to {closed}: Permission denied. Write to a folder of your own."
    assert refusal(lambda: Spool(closed, 8_000, 1)) == told
