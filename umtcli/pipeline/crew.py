"""Worker processes that share one queue of jobs: one a device, or one that can be killed.

                  ┌─▶ worker (cuda:0) ─┐
    queue of jobs ┼─▶ worker (cuda:1) ─┼─▶ events, results
                  └─▶ worker (cuda:2) ─┘

A worker asks for a job whenever it has room, so a slow one asks less often. What a worker
had that died is given to the others once more, each job by itself, so that the one that
kills its workers is found out.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait

from umtcli.errors import JobTimeout, UmtError, WorkerDied
from umtcli.media.pending import PendingFile
from umtcli.pipeline.book import Book
from umtcli.pipeline.events import JobFinished, Listener, OutputFinished
from umtcli.pipeline.jobs import Job, Output
from umtcli.pipeline.scheduler import Done
from umtcli.pipeline.worker import Settings, Wants, Worker

MOST_DEATHS = 2
"""Of workers, before the job that each of them was at is held responsible. Where a worker has
one job at a time, under `--timeout`, the first is proof enough."""


@dataclass
class Task:
    """A job that is to be done, and how often that killed a worker."""

    job: Job
    deaths: int = 0


@dataclass(eq=False)
class _Member:
    """A worker with what it is at."""

    settings: Settings
    worker: Worker | None = None
    """None: it was not needed yet, or died."""
    has_started: bool = False
    wants: int = 0
    """Jobs that it has room for."""
    tasks: list[Task] = field(default_factory=list)
    """What it was given; a task holds the outputs that are still owed."""
    deadline: float | None = None

    def settle(self, outputs: Sequence[str]) -> None:
        """These outputs are owed no more."""
        for task in self.tasks:
            rest = tuple(o for o in task.job.outputs if str(o) not in outputs)
            task.job = replace(task.job, outputs=rest)

    def drop(self, job: Job) -> None:
        """A job is over, unless some of its outputs are being made again."""
        self.tasks = [
            task for task in self.tasks if task.job.outputs or task.job.files != job.files
        ]
        if not self.tasks:
            self.deadline = None

    def takes(self, task: Task, fair_share: int) -> bool:
        """Whether it should be given a task now."""
        if task.deaths or any(other.deaths for other in self.tasks):
            return not self.tasks and self.wants > 0
        return self.wants > 0 and len(self.tasks) < fair_share


class Crew:
    """Runs jobs as `Scheduler` does, in other processes. Close it in the end."""

    def __init__(
        self, settings: Sequence[Settings], listener: Listener, timeout_s: float | None = None
    ) -> None:
        """Hire them; a process starts when there is something to do for it.

        Args:
            settings: of each worker.
            listener: told what happens, as it happens, in this process.
            timeout_s: what a job may take, in seconds; for workers that have one at a time.
        """
        self._listener = listener
        self._timeout_s = timeout_s
        self._most_deaths = MOST_DEATHS if timeout_s is None else 1
        self._queue: deque[Task] = deque()
        self._members = [_Member(each) for each in settings]

    def run(self, jobs: Iterator[Job]) -> Generator[Done, None, None]:
        """Run jobs; what becomes of each output comes as soon as it is known.

        Raises:
            PluginError: a family cannot be sent to another process.
        """
        self._queue = deque(Task(job) for job in jobs)
        while self._queue or any(member.tasks for member in self._members):
            for member in self._members:
                self._give(member)
            for member, worker in self._speaking():
                yield from self._hear(member, worker)
            for member in self._members:
                yield from self._check_time(member)

    def close(self) -> None:
        """End all workers; nothing that they were at is left behind."""
        for member in self._members:
            self._dismiss(member)

    def _give(self, member: _Member) -> None:
        """Send a worker what it has room for, but leave some for the others."""
        while self._queue:
            if member.worker is None:
                member.worker = Worker(member.settings)
            fair_share = max(1, len(self._queue) // (2 * len(self._members)))
            if not member.takes(self._queue[0], fair_share):
                return
            task = self._queue.popleft()
            member.wants -= 1
            member.tasks.append(task)
            if self._timeout_s is not None:
                member.deadline = time.monotonic() + self._timeout_s
            member.worker.send(task.job)

    def _speaking(self) -> list[tuple[_Member, Worker]]:
        """Wait until a worker says something, or has had its time."""
        deadlines = [m.deadline for m in self._members if m.deadline is not None]
        left_s = max(0.0, min(deadlines) - time.monotonic()) if deadlines else None
        workers = [(m, m.worker) for m in self._members if m.worker is not None]
        ready = wait([worker.connection for _, worker in workers], left_s)
        return [(member, worker) for member, worker in workers if worker.connection in ready]

    def _hear(self, member: _Member, worker: Worker) -> Iterator[Done]:
        """Take one message of a worker."""
        message = worker.receive()
        if message is None:
            yield from self._bury(member, worker)
        elif isinstance(message, Wants):
            member.wants += 1
            member.has_started = True
        elif isinstance(message, Done):
            member.settle([str(output) for output in message.left])
            member.drop(message.job)
            yield Done(message.job, [], message.left)
        else:
            self._listener(message)
            if isinstance(message, OutputFinished):
                member.settle([message.result.output])
                yield Done(message.job, [message.result], ())

    def _bury(self, member: _Member, worker: Worker) -> Iterator[Done]:
        """A worker died: another will take its place, and its jobs are done again."""
        how = worker.how_it_ended()
        if not member.has_started:
            raise WorkerDied(f"A worker process ended while it started ({how}). Out of memory?")
        for task in reversed(self._dismiss(member)):
            task.deaths += 1
            if task.deaths < self._most_deaths:
                self._queue.appendleft(task)
            else:
                error = WorkerDied(
                    f"Converting {task.job} ended its worker process ({how}). Out of memory?"
                )
                yield give_up(task.job, error, self._listener)

    def _check_time(self, member: _Member) -> Iterator[Done]:
        if member.deadline is None or time.monotonic() < member.deadline:
            return
        for task in self._dismiss(member):
            error = JobTimeout(f"{task.job} took longer than --timeout {self._timeout_s:g} s.")
            yield give_up(task.job, error, self._listener)

    def _dismiss(self, member: _Member) -> list[Task]:
        """End a worker; returns what is left of what it was at."""
        if member.worker is not None:
            member.worker.close()
        # where all outputs were told, only the news of the end was lost
        tasks = [task for task in member.tasks if task.job.outputs]
        for task in tasks:
            discard(task.job.outputs)
        member.worker, member.deadline = None, None
        member.wants, member.has_started, member.tasks = 0, False, []
        return tasks


def give_up(job: Job, error: UmtError, listener: Listener) -> Done:
    """Fail what is left of a job, and tell so."""
    book = Book(job, listener)
    book.fail_the_rest(error)
    listener(JobFinished(job))
    return Done(job, book.results(), ())


def discard(outputs: Sequence[Output]) -> None:
    """Remove what a killed worker left of outputs, unless somebody else is at them."""
    for output in outputs:
        if output.path is not None and output.path.parent.is_dir():
            with contextlib.suppress(OSError):
                PendingFile(output.path.resolve()).discard()
