"""Running a request: all its jobs, whatever becomes of each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from umtcli.catalog import Catalog
from umtcli.errors import OutputExists, UsageError
from umtcli.media.pending import is_pending
from umtcli.pipeline.book import Book
from umtcli.pipeline.cluster import Cluster, threads_a_place
from umtcli.pipeline.crew import Crew
from umtcli.pipeline.device import num_threads, resolve_devices, torch_threads
from umtcli.pipeline.events import Listener, Noticed, RunPlanned, ignore
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.planning import plan
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import Runner, standard_input
from umtcli.pipeline.scheduler import MOST_FILES, Done, Scheduler
from umtcli.pipeline.worker import Settings

POLL_S = 0.2
"""How often to see whether another run is done with an output."""


def run(
    request: Request,
    catalog: Catalog,
    listener: Listener = ignore,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
) -> list[Result]:
    """Do what was asked for; one result an output, in the order of the inputs.

    Several runs may work on one folder: each output is made by one of them, and each run
    ends when all outputs are there.

    Args:
        request: what to do.
        catalog: what is installed.
        listener: told what happens, as it happens.
        stdin: what `-` reads; the process's if None.
        stdout: what `-o -` writes; the process's if None.

    Raises:
        UsageError: the request makes no sense; nothing was done.
    """
    devices = resolve_devices(request.device)
    threads = num_threads()
    with torch_threads(threads):
        jobs = plan(request, catalog)
        piped = any(output.path is None for job in jobs for output in job.outputs)
        ledger = Ledger(request)
        if request.dry_run:
            return [result for job in jobs for result in _preview(job, ledger, listener)]
        _refuse_pipes(request, devices, piped=piped or any(job.source is None for job in jobs))
        listener(RunPlanned(jobs))
        if request.cluster is not None:
            settings = Settings(request, catalog, devices[0], threads_a_place())
            with closing(Cluster(request.cluster, settings, listener)) as cluster:
                results = _run_all(jobs, cluster.run, listener)
        elif len(devices) == 1 and request.limits.timeout_s is None:
            runner = Runner(
                request,
                Machines(catalog, devices[0]),
                ledger,
                listener,
                standard_input() if stdin is None else stdin,
                sys.stdout.buffer if stdout is None else stdout,
                threads,
            )
            results = _run_all(
                jobs, lambda left: Scheduler(runner, piped=piped).run(left), listener
            )
        else:
            with closing(_hire(request, catalog, devices, threads, listener)) as crew:
                results = _run_all(jobs, crew.run, listener)
    if len(jobs) > 1:
        _enter_failures(jobs, results, ledger)
    return [results[str(output)] for job in jobs for output in job.outputs]


def _refuse_pipes(request: Request, devices: Sequence[str], *, piped: bool) -> None:
    """Refuse what one process must do by itself, and what a cluster does not do."""
    if request.cluster is not None and (len(devices) > 1 or request.limits.timeout_s is not None):
        raise UsageError("--cluster takes one --device, which all actors use, and no --timeout.")
    if piped and request.cluster is not None:
        raise UsageError("--cluster is for files: a pipe belongs to one machine.")
    if piped and len(devices) > 1:
        raise UsageError("Several devices are for files: give a pipe one --device.")


RunJobs = Callable[[Iterator[Job]], Generator[Done, None, None]]
"""Runs jobs, in any order; see `Scheduler.run`."""


def _hire(
    request: Request, catalog: Catalog, devices: Sequence[str], threads: int, listener: Listener
) -> Crew:
    """One worker a device, which share the threads."""
    timeout_s = request.limits.timeout_s
    share = max(1, threads // len(devices))
    most_files = MOST_FILES if timeout_s is None else 1
    settings = [Settings(request, catalog, device, share, most_files) for device in devices]
    return Crew(settings, listener, timeout_s)


def _run_all(jobs: Sequence[Job], run_jobs: RunJobs, listener: Listener) -> dict[str, Result]:
    """Results by output; those that other runs are making come last."""
    results: dict[str, Result] = {}
    waiting = list(jobs)
    while waiting:
        left = []
        with closing(run_jobs(iter(waiting))) as running:
            for done in running:
                results.update((result.output, result) for result in done.results)
                if done.left:
                    left.append(replace(done.job, outputs=done.left))
        if left:
            listener(Noticed(f"Another run of umt is making {left[0].outputs[0]}: waiting."))
            _wait(left[0].outputs[0])
        waiting = left
    return results


def _wait(output: Output) -> None:
    """Return when nobody is making an output."""
    while output.path is not None and is_pending(output.path.resolve()):
        time.sleep(POLL_S)


def _preview(job: Job, ledger: Ledger, listener: Listener) -> list[Result]:
    """What would become of a job's outputs."""
    book = Book(job, listener)
    try:
        for output in job.outputs:
            book.enter(output, output.refused or ledger.look_up(job, output))
    except Exception as e:
        book.fail_the_rest(blame(e, f"Looking at {job}"))
    return book.results()


def _enter_failures(jobs: Sequence[Job], results: dict[str, Result], ledger: Ledger) -> None:
    """Remember for `--retry-failed` what failed; a run of one file is easily repeated."""
    for job in jobs:
        for output in job.outputs:
            error = results[str(output)].error
            if error is not None and not isinstance(error, OutputExists):
                ledger.enter_failure(job, output, error)
