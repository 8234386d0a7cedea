"""Running a request: its jobs one after another, whatever becomes of each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import BinaryIO

from umtcli.catalog import Catalog
from umtcli.errors import DecodeError
from umtcli.media import AudioReader, LoudnessMeter, open_audio
from umtcli.pipeline.book import Book
from umtcli.pipeline.device import num_threads, resolve_device, torch_threads
from umtcli.pipeline.events import (
    JobAdvanced,
    JobFinished,
    JobStarted,
    Listener,
    RunPlanned,
    ignore,
)
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.opening import open_part
from umtcli.pipeline.planning import plan
from umtcli.pipeline.result import Result
from umtcli.pipeline.sinks import OutputSink, SinkSettings, deliver
from umtcli.pipeline.translate import Part, translate

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
        book = Book(job, self.listener)
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

    def _convert(self, job: Job, outputs: Sequence[Output], book: Book) -> None:
        piped = any(output.path is None for output in outputs)
        block_s = PIPE_BLOCK_S if piped else FILE_BLOCK_S
        with ExitStack() as cleanup:
            source = self.stdin if job.source is None else job.source
            reader = cleanup.enter_context(open_audio(source, block_s=block_s))
            self.listener(JobStarted(job, reader.duration_s))
            meter = LoudnessMeter(reader.sample_rate, reader.num_channels)
            settings = SinkSettings(
                self.request,
                reader.sample_rate,
                reader.num_channels,
                reader.tags,
                meter,
                self.stdout,
            )
            parts = [self._try_to_open(output, settings, cleanup, book) for output in outputs]
            working = [opened for opened in parts if opened is not None]
            if working:
                self._translate(job, reader, [part for _, part, _ in working], meter, piped)
            for output, part, sink in working:
                book.enter(output, part.error or deliver(output, sink), reader.warning)

    def _try_to_open(
        self, output: Output, settings: SinkSettings, cleanup: ExitStack, book: Book
    ) -> tuple[Output, Part, OutputSink] | None:
        try:
            return (output, *open_part(self.machines, output, settings, cleanup))
        except Exception as e:
            book.enter(output, blame(e, f"Starting {output.player}"), None)
            return None

    def _translate(
        self,
        job: Job,
        reader: AudioReader,
        parts: Sequence[Part],
        meter: LoudnessMeter,
        piped: bool,
    ) -> None:
        def advanced(done_s: float) -> None:
            self.listener(JobAdvanced(job, done_s))

        # a pipe's gain looks at the input's meter, which must not run ahead of it
        overlap = not piped and self.num_threads >= 2
        with torch_threads(self.num_threads // 2 if overlap else self.num_threads):
            num_heard = translate(reader, parts, meter, advanced, overlap=overlap)
        if num_heard == 0:
            raise DecodeError(f"Cannot convert {job}: it holds no audio.")
