"""A worker process that runs jobs, and can be killed without harm to the run.

this process                      worker
────────────                      ──────
Worker.run(job) ──── job ───────▶ Runner.run(job)
  listener ◀──────── events ─────   …
  results  ◀──────── results ────   done, or killed at the deadline
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pickle import PicklingError
from types import FrameType

from umtcli.catalog import Catalog
from umtcli.errors import JobTimeout, PluginError, UmtError, WorkerDied
from umtcli.media.pending import PendingFile
from umtcli.pipeline.book import Book
from umtcli.pipeline.device import num_threads, torch_threads
from umtcli.pipeline.events import Event, JobFinished, Listener, OutputFinished
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import Runner

GRACE_S = 2.0
"""What a worker has to clean up after itself before it is killed for good."""


@dataclass(frozen=True)
class _Ready:
    """The worker has started; its time is counted from the first job on."""


@dataclass(frozen=True)
class _Done:
    results: list[Result]
    left: tuple[Output, ...]


class Worker:
    """Runs jobs as `Runner` does, each for a limited time.

    The process starts with the first job and lives until it dies or is closed, so its
    networks are loaded once. One that died is replaced for the next job.
    """

    def __init__(self, request: Request, catalog: Catalog, device: str, listener: Listener) -> None:
        self._arguments = (request, catalog, device)
        self._timeout_s = request.limits.timeout_s
        self._listener = listener
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def run(self, job: Job) -> tuple[list[Result], tuple[Output, ...]]:
        """Make every output of one job that is not done.

        Returns:
            the results, and the outputs without one: another run is making them.

        Raises:
            PluginError: a family cannot be sent to another process.
        """
        finished: list[Result] = []
        try:
            connection = self._connection or self._start()
            connection.send(job)
            deadline = None if self._timeout_s is None else time.monotonic() + self._timeout_s
            while not isinstance(message := self._receive(connection, deadline, job), _Done):
                if isinstance(message, OutputFinished):
                    finished.append(message.result)
                if not isinstance(message, _Ready):
                    self._listener(message)
            return message.results, message.left
        except (JobTimeout, WorkerDied) as e:
            self.close()
            return finished + self._give_up(job, finished, e), ()
        except BaseException:
            self.close()
            _discard(job.outputs)
            raise

    def close(self) -> None:
        """End the process; nothing that it was at is left behind."""
        if self._process is None or self._connection is None:
            return
        self._connection.close()
        self._process.terminate()
        self._process.join(GRACE_S)
        self._process.kill()
        self._process.join()
        self._process = self._connection = None

    def _start(self) -> Connection:
        # a forked process would share locks and threads that are in an unknown state
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, *self._arguments), daemon=True)
        try:
            process.start()
        except (PicklingError, AttributeError, TypeError) as e:
            raise PluginError(
                f"--timeout needs plugins that can be sent to another process: {e}."
            ) from e
        theirs.close()
        self._process, self._connection = process, ours
        with contextlib.suppress(EOFError):  # told by the next use
            ours.recv()
        return ours

    def _receive(
        self, connection: Connection, deadline: float | None, job: Job
    ) -> Event | _Ready | _Done:
        try:
            left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not connection.poll(left_s):
                raise JobTimeout(f"{job} took longer than --timeout {self._timeout_s:g} s.")
            message: Event | _Ready | _Done = connection.recv()
        except (EOFError, OSError) as e:
            assert self._process is not None
            self._process.join()
            how = self._process.exitcode or 0
            reason = f"signal {-how}" if how < 0 else f"exit code {how}"
            raise WorkerDied(
                f"Converting {job} ended its worker process ({reason}). Out of memory?"
            ) from e
        return message

    def _give_up(self, job: Job, finished: Sequence[Result], error: UmtError) -> list[Result]:
        told = {result.output for result in finished}
        rest = replace(job, outputs=tuple(o for o in job.outputs if str(o) not in told))
        _discard(rest.outputs)
        book = Book(rest, self._listener)
        book.fail_the_rest(error)
        self._listener(JobFinished(job))
        return book.results()


def _discard(outputs: Sequence[Output]) -> None:
    """Remove what a killed worker left of outputs, unless somebody else is at them."""
    for output in outputs:
        if output.path is not None and output.path.parent.is_dir():
            with contextlib.suppress(OSError):
                PendingFile(output.path.resolve()).discard()


def _serve(connection: Connection, request: Request, catalog: Catalog, device: str) -> None:
    """The worker's life: jobs in, events and results out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    signal.signal(signal.SIGTERM, _leave)

    def tell(message: Event | _Ready | _Done) -> None:
        try:
            connection.send(message)
        except OSError:
            raise SystemExit(1) from None  # the parent is gone: nobody wants this any more

    threads = num_threads()
    try:
        with torch_threads(threads):
            runner = Runner(
                request, Machines(catalog, device), Ledger(request), tell, num_threads=threads
            )
            tell(_Ready())
            while True:
                job: Job = connection.recv()
                tell(_Done(*runner.run(job)))
    except (EOFError, OSError):
        pass  # no more jobs
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # we are leaving already


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal has it
    raise SystemExit(128 + number)
