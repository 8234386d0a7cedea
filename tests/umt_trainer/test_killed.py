"""A run that is killed, or told to stop, loses nothing: tried on real processes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import line

REPOSITORY = Path(__file__).parents[2]
STEPS = 60


def start(checkpoint: Path, every_s: float) -> subprocess.Popen[str]:
    path = os.pathsep.join(str(REPOSITORY / part) for part in ("", "trainer", "tests"))
    return subprocess.Popen(
        [sys.executable, line.__file__, str(checkpoint), str(STEPS), str(every_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def told(lines: list[str]) -> dict[str, str]:
    """By step: its losses; and the slope in the end."""
    return dict(text.split(" ", 1) for text in lines)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A run that nobody stopped."""
    process = start(tmp_path_factory.mktemp("whole") / "c.pt", 1e9)
    out, err = process.communicate()
    assert err == ""
    return told(out.splitlines())


def stop_at(process: subprocess.Popen[str], step: int, number: signal.Signals) -> dict[str, str]:
    """Send a signal as soon as a step is told; return all that the process told."""
    assert process.stdout is not None
    lines = []
    for text in process.stdout:
        lines.append(text.rstrip("\n"))
        if text.startswith(f"{step} "):
            process.send_signal(number)
            break
    rest, _ = process.communicate()
    return told(lines + rest.splitlines())


def test_killed_at_a_random_step_and_resumed_it_is_bit_for_bit_the_run_never_killed(
    tmp_path: Path, whole: dict[str, str]
) -> None:
    step = random.randrange(5, STEPS - 5)
    killed = start(tmp_path / "c.pt", every_s=0.0)
    first = stop_at(killed, step, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    out, _ = start(tmp_path / "c.pt", every_s=0.0).communicate()
    second = told(out.splitlines())
    assert "0" not in second  # it did not begin again
    assert "slope" not in first
    assert {**first, **second} == whole
    assert all(whole[key] == value for key, value in first.items())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_stop_it_saves_first_and_the_next_run_goes_on(
    tmp_path: Path, whole: dict[str, str], number: signal.Signals, code: int
) -> None:
    process = start(tmp_path / "c.pt", every_s=1e9)  # no checkpoint but for the signal
    first = stop_at(process, 20, number)
    # Python gives up with the signal itself after a KeyboardInterrupt that nobody caught
    assert process.returncode in (code, -number)
    out, _ = start(tmp_path / "c.pt", every_s=1e9).communicate()
    second = told(out.splitlines())
    assert not first.keys() & second.keys()  # not one step was lost
    assert {**first, **second} == whole
