"""Running a request: its jobs one after another, whatever becomes of each."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from umtcli.catalog import Catalog
from umtcli.errors import OutputExists
from umtcli.media.pending import is_pending
from umtcli.pipeline.book import Book
from umtcli.pipeline.device import num_threads, resolve_device, torch_threads
from umtcli.pipeline.events import Listener, Noticed, RunPlanned, ignore
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.planning import plan
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import Runner
from umtcli.pipeline.worker import Worker

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
    device = resolve_device(request.device)
    threads = num_threads()
    with torch_threads(threads):
        jobs = plan(request, catalog)
        ledger = Ledger(request)
        if request.dry_run:
            return [result for job in jobs for result in _preview(job, ledger, listener)]
        listener(RunPlanned(jobs))
        if request.limits.timeout_s is None:
            runner = Runner(
                request,
                Machines(catalog, device),
                ledger,
                listener,
                sys.stdin.buffer if stdin is None else stdin,
                sys.stdout.buffer if stdout is None else stdout,
                threads,
            )
            results = _run_all(jobs, runner.run, listener)
        else:
            with closing(Worker(request, catalog, device, listener)) as worker:
                results = _run_all(jobs, worker.run, listener)
    if len(jobs) > 1:
        _enter_failures(jobs, results, ledger)
    return [results[str(output)] for job in jobs for output in job.outputs]


RunJob = Callable[[Job], tuple[list[Result], tuple[Output, ...]]]
"""See `Runner.run`."""


def _run_all(jobs: Sequence[Job], run_job: RunJob, listener: Listener) -> dict[str, Result]:
    """Results by output; those that other runs are making come last."""
    results: dict[str, Result] = {}
    waiting = list(jobs)
    while waiting:
        left = []
        for job in waiting:
            done, put_off = run_job(job)
            results.update((result.output, result) for result in done)
            if put_off:
                left.append(replace(job, outputs=put_off))
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
