"""Many processes for one run, by torch's own launcher."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.run import parse_args, run

from umtcli.errors import TrainingError


def launch(
    arguments: Sequence[str], *, nproc: int, nnodes: int, rdzv: str, max_restarts: int
) -> None:
    """Run `python -m umt_trainer` in several processes, and wait for them.

    Args:
        arguments: of each process.
        nproc: processes on this machine.
        nnodes: machines; each must be given the same command.
        rdzv: host:port where several machines meet.
        max_restarts: how often all start again after one was lost.

    Raises:
        TrainingError: a process failed; names its rank and its reason.
        KeyboardInterrupt: after Ctrl-C.
        SystemExit: after SIGTERM.
    """
    if nnodes == 1 and not rdzv:
        meeting = ["--standalone"]
    else:
        meeting = ["--rdzv-backend=c10d", f"--rdzv-endpoint={rdzv}", "--rdzv-id=umt"]
    options = [
        f"--nproc-per-node={nproc}",
        f"--nnodes={nnodes}",
        f"--max-restarts={max_restarts}",
        *meeting,
        "--module",
        "umt_trainer",
    ]
    try:
        with _undisturbed():
            run(parse_args([*options, *arguments]))
    except ChildFailedError as e:
        raise TrainingError(_told(*_cause(e))) from e
    except SignalException as e:
        if e.sigval == signal.SIGINT:
            raise KeyboardInterrupt from e
        raise SystemExit(128 + e.sigval) from e


def _cause(error: ChildFailedError) -> tuple[int, ProcessFailure]:
    """The process that failed first by itself: the launcher ends the others by SIGTERM.

    Both may be known within one second, and torch tells them apart by no less.
    """
    return min(
        error.failures.items(),
        key=lambda failed: (failed[1].exitcode == -signal.SIGTERM, failed[1].timestamp),
    )


def _told(rank: int, failure: ProcessFailure) -> str:
    """What became of a process, in one line: what it recorded itself, or what killed it."""
    if failure.exitcode < 0:
        name = signal.Signals(-failure.exitcode).name
        return (
            f"Process {rank} was killed by {name}, and the others were stopped. The last "
            "checkpoint is intact: run the same command again."
        )
    recorded: Any = failure.message
    if isinstance(recorded, dict):
        recorded = recorded.get("message", recorded)
    first = (str(recorded).splitlines() or ["it left no message."])[0]
    # the exception's own name comes first
    name, _, text = first.partition(": ")
    return f"Process {rank} failed: {text if text and name.isidentifier() else first}"


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the launcher's own warnings and tracebacks off the terminal."""
    level, threads = logging.root.manager.disable, os.environ.get("OMP_NUM_THREADS")
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun does, but for its warning
    try:
        yield
    finally:
        logging.disable(level)
        if threads is None:
            del os.environ["OMP_NUM_THREADS"]
