"""A worker process that runs jobs, and can be killed without harm to the run.

this process                      worker
────────────                      ──────
              ◀──── Wants ───────   room for one more
Worker.send ──────── job ───────▶ Scheduler.run(jobs)
              ◀──────── events ──   …
              ◀──────── Done ────   or killed
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pickle import PicklingError
from types import FrameType

from umtcli.catalog import Catalog
from umtcli.errors import PluginError
from umtcli.pipeline.device import torch_threads
from umtcli.pipeline.events import Event
from umtcli.pipeline.jobs import Job, Request
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines
from umtcli.pipeline.runner import Runner
from umtcli.pipeline.scheduler import MOST_FILES, Done, Scheduler

GRACE_S = 3.0
"""What a worker has to clean up after itself before it is killed for good."""


@dataclass(frozen=True)
class Wants:
    """The worker has room for one more job."""


@dataclass(frozen=True)
class Settings:
    """What a worker is to do, in words that can be sent to it."""

    request: Request
    catalog: Catalog
    device: str
    num_threads: int
    most_files: int = MOST_FILES
    """In flight."""


class Worker:
    """A process of its own. It lives until it dies or is closed: networks are loaded once."""

    def __init__(self, settings: Settings) -> None:
        """Start it; that takes seconds, and nobody waits for it.

        Raises:
            PluginError: a family cannot be sent to another process.
        """
        # a forked process would share locks and threads that are in an unknown state
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(
            target=_serve, args=(theirs, settings), daemon=True
        )
        try:
            self._process.start()
        except (PicklingError, AttributeError, TypeError) as e:
            raise PluginError(
                "--timeout and several --device need plugins that can be sent to another "
                f"process: {e}."
            ) from e
        finally:
            theirs.close()

    def send(self, job: Job) -> None:
        """Give it what it wanted; if it is dead, `receive` says so."""
        with contextlib.suppress(OSError):
            self.connection.send(job)

    def receive(self) -> Event | Wants | Done | None:
        """What it says next; None: it is dead."""
        try:
            message: Event | Wants | Done = self.connection.recv()
        except (EOFError, OSError):
            return None
        return message

    def how_it_ended(self) -> str:
        """Of a dead one, e.g. `signal 9`."""
        self._process.join()
        code = self._process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    def close(self) -> None:
        """End the process; it leaves nothing of what it was at if it has the time."""
        self.connection.close()
        self._process.terminate()
        self._process.join(GRACE_S)
        self._process.kill()
        self._process.join()


def _serve(connection: Connection, settings: Settings) -> None:
    """The worker's life: jobs in, events and results out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    signal.signal(signal.SIGTERM, _leave)
    telling = threading.Lock()

    def tell(message: Event | Wants | Done) -> None:
        try:
            with telling:
                connection.send(message)
        except OSError:
            raise SystemExit(1) from None  # the parent is gone: nobody wants this any more

    def jobs() -> Iterator[Job]:
        while True:
            tell(Wants())
            try:
                yield connection.recv()
            except (EOFError, OSError):
                return  # no more jobs

    request, device, threads = settings.request, settings.device, settings.num_threads
    machines = Machines(settings.catalog, device)
    runner = Runner(request, machines, Ledger(request), tell, num_threads=threads)
    try:
        with torch_threads(threads):
            scheduler = Scheduler(runner, most_files=settings.most_files)
            with contextlib.closing(scheduler.run(jobs())) as running:
                for done in running:
                    tell(done)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # we are leaving already


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
