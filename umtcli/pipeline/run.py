"""Running a request: its jobs one after another, whatever becomes of each."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO

from umtcli.catalog import Catalog
from umtcli.errors import DecodeError, UmtError
from umtcli.media import LoudnessMeter, open_audio
from umtcli.pipeline.device import num_threads, resolve_device, torch_threads
from umtcli.pipeline.events import (
    JobAdvanced,
    JobFinished,
    JobStarted,
    Listener,
    OutputFinished,
    RunPlanned,
    ignore,
)
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.lane import Lane, plays_mid
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.planning import plan
from umtcli.pipeline.result import Result
from umtcli.pipeline.sinks import Delivered, OutputSink, SinkSettings, open_sink
from umtcli.pipeline.translate import Part, translate

_LOG = logging.getLogger(__name__)

FILE_BLOCK_S = 4.0
PIPE_BLOCK_S = 0.25
"""A pipe wants its audio soon; a file wants few, large blocks, so that hearing one block
and playing another take turns on different cores."""


def run(
    request: Request,
    catalog: Catalog,
    listener: Listener = ignore,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
) -> list[Result]:
    """Do what was asked for; one result an output, in the order of the inputs.

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
        listener(RunPlanned(jobs))
        machines = Machines(catalog, device)
        runner = _Runner(
            request,
            machines,
            listener,
            threads,
            sys.stdin.buffer if stdin is None else stdin,
            sys.stdout.buffer if stdout is None else stdout,
        )
        return [result for job in jobs for result in runner.run(job)]


class _Book:
    """Who got which result; every output gets exactly one."""

    def __init__(self, job: Job, listener: Listener) -> None:
        self._job = job
        self._listener = listener
        self._started = time.perf_counter()
        self._results: dict[int, Result] = {}

    def enter(self, output: Output, outcome: Delivered | UmtError, warning: str | None) -> None:
        """Note what became of an output, and tell it."""
        told = Result(
            input=str(self._job),
            output=str(output),
            domain=str(output.player),
            seconds=time.perf_counter() - self._started,
        )
        if isinstance(outcome, UmtError):
            # the command line shows one line; --debug shows this, too
            _LOG.debug("%s in %s failed", told.input, told.domain, exc_info=outcome)
            result = replace(told, error=outcome)
        else:
            result = replace(
                told,
                duration_s=outcome.duration_s,
                gain_db=outcome.gain_db,
                limited_by_ceiling=outcome.limited_by_ceiling,
                warning=warning,
            )
        self._results[self._job.outputs.index(output)] = result
        self._listener(OutputFinished(self._job, result))

    def fail_the_rest(self, error: UmtError) -> None:
        """The same error for every output without a result."""
        for index, output in enumerate(self._job.outputs):
            if index not in self._results:
                self.enter(output, error, None)

    def results(self) -> list[Result]:
        """In the order of the job's outputs."""
        return [self._results[index] for index in range(len(self._job.outputs))]


@dataclass(frozen=True)
class _Runner:
    """What all jobs of a run share."""

    request: Request
    machines: Machines
    listener: Listener
    num_threads: int
    """That networks may use, all together."""
    stdin: BinaryIO
    stdout: BinaryIO

    def run(self, job: Job) -> list[Result]:
        """Every output of one job, made or failed."""
        book = _Book(job, self.listener)
        for output in job.outputs:
            if output.refused:
                book.enter(output, output.refused, None)
        wanted = [output for output in job.outputs if not output.refused]
        try:
            if wanted:
                self._convert(job, wanted, book)
        except Exception as e:
            book.fail_the_rest(blame(e, f"Converting {job}"))
        self.listener(JobFinished(job))
        return book.results()

    def _convert(self, job: Job, outputs: Sequence[Output], book: _Book) -> None:
        piped = any(output.path is None for output in outputs)
        block_s = PIPE_BLOCK_S if piped else FILE_BLOCK_S
        with ExitStack() as cleanup:
            source = self.stdin if job.source is None else job.source
            reader = cleanup.enter_context(open_audio(source, block_s=block_s))
            self.listener(JobStarted(job, reader.duration_s))
            meter = LoudnessMeter(reader.sample_rate, reader.num_channels)
            settings = SinkSettings(self.request, reader, meter, self.stdout)
            parts = [self._try_to_open(output, settings, cleanup, book) for output in outputs]
            working = [opened for opened in parts if opened is not None]
            if working:
                self._translate(job, settings, [part for _, part, _ in working], piped)
            for output, part, sink in working:
                book.enter(output, part.error or _deliver(output, sink), reader.warning)

    def _try_to_open(
        self, output: Output, settings: SinkSettings, cleanup: ExitStack, book: _Book
    ) -> tuple[Output, Part, OutputSink] | None:
        try:
            return (output, *self._open(output, settings, cleanup))
        except Exception as e:
            book.enter(output, blame(e, f"Starting {output.player}"), None)
            return None

    def _open(
        self, output: Output, settings: SinkSettings, cleanup: ExitStack
    ) -> tuple[Part, OutputSink]:
        decoder = self.machines.player(output.player, output.options)
        encoder = self.machines.encoder(output.player.lead)
        reader = settings.reader
        rate_out = self.request.rate or decoder.sample_rate
        sink = open_sink(output, rate_out, settings, cleanup)
        lane = Lane(
            decoder,
            sink,
            num_channels=reader.num_channels,
            rate_in=reader.sample_rate,
            rate_heard=encoder.sample_rate,
            rate_out=rate_out,
            seed=self.request.seed,
        )
        mid = plays_mid(decoder, reader.num_channels)
        return Part(str(output.player), encoder, lane, mid), sink

    def _translate(
        self, job: Job, settings: SinkSettings, parts: Sequence[Part], piped: bool
    ) -> None:
        def advanced(done_s: float) -> None:
            self.listener(JobAdvanced(job, done_s))

        # a pipe's gain looks at the input's meter, which must not run ahead of it
        overlap = not piped and self.num_threads >= 2
        with torch_threads(self.num_threads // 2 if overlap else self.num_threads):
            num_heard = translate(settings.reader, parts, settings.meter, advanced, overlap=overlap)
        if num_heard == 0:
            raise DecodeError(f"Cannot convert {job}: it holds no audio.")


def _deliver(output: Output, sink: OutputSink) -> Delivered | UmtError:
    try:
        return sink.deliver()
    except Exception as e:
        return blame(e, f"Writing {output}")
