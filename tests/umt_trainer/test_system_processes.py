"""A whole system in several processes under the launcher, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tiny_recipe import write_recipe
from umt_trainer.system import checkpoint_path, train_system
from umtcli.errors import UsageError

REPOSITORY = Path(__file__).parents[2]


def test_processes_that_do_not_fit_are_refused_before_any_starts(
    tmp_path: Path, music: dict[str, Path]
) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    with pytest.raises(UsageError, match="3 processes with 2 shards need a multiple of 6"):
        train_system(recipe, out=out, domains=music, nproc=3)
    with pytest.raises(UsageError, match="--rdzv HOST:PORT"):
        train_system(recipe, out=out, domains=music, nnodes=2)
    with pytest.raises(UsageError, match="must be from 1"):
        train_system(recipe, out=out, domains=music, nproc=0)


def start(recipe: Path, out: Path, domains: dict[str, Path]) -> subprocess.Popen[str]:
    """Two processes under the launcher, which is a process of its own here."""
    path = os.pathsep.join(str(REPOSITORY / part) for part in ("", "domains", "trainer"))
    program = (
        "import sys; from pathlib import Path; from umt_trainer.system import train_system\n"
        "from umtcli.errors import UmtError\n"
        "recipe, out, one, two = map(Path, sys.argv[1:])\n"
        "try:\n"
        "    train_system(recipe, out=out, domains={'sine': one, 'saw': two}, nproc=2, json=True)\n"
        "except UmtError as e:\n"
        "    sys.exit(str(e))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(recipe), str(out), *map(str, domains.values())],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def children(pid: int) -> list[int]:
    """The workers that a launcher started, in the order of their ranks."""
    pids = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return [p for p in pids if b"umt_trainer\x00" in Path(f"/proc/{p}/cmdline").read_bytes()]


def logged(out: Path, step: int) -> dict[str, float]:
    """The losses in the log's line of a step."""
    (line,) = [x for x in (out / "log.txt").read_text().splitlines() if f" step {step} of " in x]
    words = line.split(": ", 1)[1].split()
    losses = dict(zip(words[::2], map(float, words[1::2]), strict=True))
    del losses["examples_per_s"]
    return losses


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has /proc, where it finds whom to kill"
)
def test_two_processes_learn_as_one_and_one_that_is_killed_ends_the_run_by_name(
    tmp_path: Path, trained: Path
) -> None:
    prepared = {name: trained / "data" / name for name in ("sine", "saw")}
    out = tmp_path / "run"
    launcher = start(write_recipe(tmp_path, steps=10_000), out, prepared)
    assert launcher.stdout is not None
    assert json.loads(launcher.stdout.readline())["step"] == 2
    os.kill(children(launcher.pid)[1], signal.SIGKILL)
    _, err = launcher.communicate()
    assert "Process 1 was killed by SIGKILL" in err
    assert "Traceback" not in err
    assert launcher.returncode == 1
    assert logged(out, 2) == pytest.approx(logged(trained, 2), rel=1e-3)
    state = torch.load(checkpoint_path(out), weights_only=True)
    assert state["step"] >= 1  # a step is told before it is saved
    assert state["processes"] == 2
