"""Several processes learn what one learns: on real processes, over gloo."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import tiny_system
from umt_trainer.distributed import ALONE, World
from umt_trainer.gradients import batch_gradients

REPOSITORY = Path(__file__).parents[2]


def torchrun(num: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(str(REPOSITORY / part) for part in ("", "domains", "trainer", "tests"))
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return subprocess.run(
        [*launcher, f"--nproc-per-node={num}", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )


def flat(gradients: list[Tensor | None]) -> Tensor:
    return torch.cat([torch.zeros(0) if g is None else g.flatten() for g in gradients])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, list[Tensor | None]]]:
    """The gradients that each of two processes ends up with."""
    folder = tmp_path_factory.mktemp("gradients")
    done = torchrun(2, tiny_system.__file__, str(folder))
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.parametrize("phase", ["confusion", "autoencoders"])
def test_two_processes_have_the_gradients_of_one(
    shared: list[dict[str, list[Tensor | None]]], phase: str
) -> None:
    alone = flat(tiny_system.gradients(ALONE)[phase])
    assert alone.norm() > 0
    for gradients in shared:
        together = flat(gradients[phase])
        assert together.dtype == torch.float64
        assert ((together - alone).norm() / alone.norm()).item() <= 1e-5
    assert torch.equal(flat(shared[0][phase]), flat(shared[1][phase]))


def test_processes_that_share_a_batch_see_different_domains() -> None:
    # else the test above would not show that counts are global
    size = tiny_system.CONFIG.batch_size // 2
    first = tiny_system.STEP * tiny_system.CONFIG.batch_size
    seen = [
        {
            number % tiny_system.DOMAINS
            for number in range(first + size * rank, first + size * (rank + 1))
        }
        for rank in (0, 1)
    ]
    assert seen[0] != seen[1]


def test_parts_are_shared_evenly_and_all() -> None:
    shares = [World(rank, 3).share(12) for rank in range(3)]
    assert [len(share) for share in shares] == [4, 4, 4]
    assert sorted(part for share in shares for part in share) == list(range(12))


def test_one_process_alone_adds_nothing_up() -> None:
    values = torch.tensor([1.0, 2.0])
    parameter = torch.nn.Parameter(torch.zeros(1))
    assert ALONE.total(values) is values
    assert ALONE.largest(3.0) == 3.0
    assert ALONE.total_gradients([parameter], [None]) == [None]


def test_bfloat16_is_of_the_arithmetic_not_of_the_weights() -> None:
    task = tiny_system.task()
    task.network.float()
    found = {}
    for precision in ("float32", "bfloat16"):
        config = replace(tiny_system.CONFIG, precision=precision)
        with ThreadPoolExecutor(1) as pool:
            phase = task.phases()[-1]
            losses, gradients = batch_gradients(phase, config, 0, ALONE, pool)
        assert {g.dtype for g in gradients if g is not None} == {torch.float32}
        found[precision] = losses["cross_entropy"]
    # eight bits of mantissa: near, and not the same
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=2e-2)
    assert found["bfloat16"] != found["float32"]
