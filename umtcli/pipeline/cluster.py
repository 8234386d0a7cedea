"""Jobs on a Ray cluster: the same jobs, manifests and results, on many machines.

    this process                    anywhere in the cluster
    queue of jobs ── a few jobs ──▶ actor: Scheduler.run(jobs) ─┐
          ▲                         actor                       ├─▶ events, results
          └── of actors that died ─ actor                      ─┘

All machines see the same files under the same names, and have the same umt and plugins.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from umtcli.errors import UsageError, WorkerDied
from umtcli.pipeline.crew import MOST_DEATHS, Task, discard, give_up
from umtcli.pipeline.device import num_threads, torch_threads
from umtcli.pipeline.events import Event, JobAdvanced, Listener
from umtcli.pipeline.jobs import Job
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines
from umtcli.pipeline.networks import FILES_A_THREAD
from umtcli.pipeline.runner import Runner
from umtcli.pipeline.scheduler import Done, Scheduler
from umtcli.pipeline.worker import Settings


class Place:
    """What an actor is: networks that stay loaded, and a scheduler for each handful of jobs."""

    def __init__(self, settings: Settings, folder: str) -> None:
        """Begin in the folder that names are relative to."""
        os.chdir(folder)
        self._settings = settings
        self._events: list[Event] = []
        request, machines = settings.request, Machines(settings.catalog, settings.device)
        self._runner = Runner(
            request, machines, Ledger(request), self._note, num_threads=settings.num_threads
        )

    def run(self, jobs: Sequence[Job]) -> tuple[list[Event], list[Done]]:
        """Run jobs; tells what happened, and what became of them."""
        self._events.clear()
        with torch_threads(self._settings.num_threads):
            done = list(Scheduler(self._runner).run(iter(jobs)))
        return list(self._events), done

    def _note(self, event: Event) -> None:
        if not isinstance(event, JobAdvanced):  # it comes too late to be of interest
            self._events.append(event)


class Cluster:
    """Runs jobs as `Scheduler` does, on a Ray cluster. Close it in the end."""

    def __init__(self, address: str, settings: Settings, listener: Listener) -> None:
        """Join the cluster, unless this process is in one already.

        Args:
            address: `auto`, or `ray://HOST:PORT`.
            settings: of each actor; one is started for each GPU of the cluster if its device
                is one, else for each so many CPUs as it has threads.
            listener: told what happens, in this process.

        Raises:
            UsageError: Ray is not installed, or no cluster is there.
        """
        self._ray = _ray()
        self._joined = not self._ray.is_initialized()
        if self._joined:
            try:
                self._ray.init(address=address, log_to_driver=False, logging_level="error")
            except (ConnectionError, ValueError, RuntimeError) as e:
                raise UsageError(
                    f"--cluster {address}: no Ray cluster answers there. `ray start --head` "
                    "starts one on this machine."
                ) from e
        self._settings, self._listener = settings, listener
        kind, share = ("GPU", 1) if settings.device != "cpu" else ("CPU", settings.num_threads)
        self._needs = {"num_gpus": 1} if kind == "GPU" else {"num_cpus": share}
        self._num_places = max(1, int(self._ray.cluster_resources().get(kind, 0)) // share)
        self._queue: deque[Task] = deque()
        self._idle: list[Any] = []
        self._working: dict[Any, tuple[Any, list[Task]]] = {}

    def run(self, jobs: Iterator[Job]) -> Generator[Done, None, None]:
        """Run jobs; what becomes of them comes as soon as it is known."""
        self._queue = deque(Task(job) for job in jobs)
        while self._queue or self._working:
            self._give()
            (first, *_), _ = self._ray.wait(list(self._working), num_returns=1)
            actor, tasks = self._working.pop(first)
            try:
                events, done = self._ray.get(first)
            except self._ray.exceptions.RayActorError as e:
                yield from self._bury(tasks, e)
                continue
            self._idle.append(actor)
            for event in events:
                self._listener(event)
            yield from done

    def close(self) -> None:
        """End the actors; nothing that they were at is left behind."""
        for actor in (*self._idle, *(actor for actor, _ in self._working.values())):
            self._ray.kill(actor)
        for _, tasks in self._working.values():
            for task in tasks:
                discard(task.job.outputs)
        if self._joined:
            self._ray.shutdown()

    def _give(self) -> None:
        """Give every actor something to do, but leave some for the others."""
        while self._queue and len(self._working) < self._num_places:
            handful = min(FILES_A_THREAD, max(1, len(self._queue) // (2 * self._num_places)))
            tasks = [self._queue.popleft()]
            while len(tasks) < handful and not (tasks[0].deaths or self._queue[0].deaths):
                tasks.append(self._queue.popleft())
            actor = self._idle.pop() if self._idle else self._start()
            self._working[actor.run.remote([task.job for task in tasks])] = (actor, tasks)

    def _start(self) -> Any:
        return self._ray.remote(**self._needs)(Place).remote(self._settings, str(Path.cwd()))

    def _bury(self, tasks: Sequence[Task], error: Exception) -> Iterator[Done]:
        """An actor died: each of its jobs is done again by itself."""
        for task in tasks:
            discard(task.job.outputs)
            task.deaths += 1
            if task.deaths < MOST_DEATHS:
                self._queue.appendleft(task)
            else:
                died = WorkerDied(f"Converting {task.job} ended its worker in the cluster.")
                died.__cause__ = error
                yield give_up(task.job, died, self._listener)


def threads_a_place() -> int:
    """`UMT_THREADS`, or 1: a cluster is filled by many actors, not by their threads."""
    return num_threads() if os.environ.get("UMT_THREADS") else 1


def _ray() -> Any:
    try:
        import ray
    except ImportError as e:
        raise UsageError("--cluster needs Ray: pip install 'umtcli[ray]'.") from e
    return ray
