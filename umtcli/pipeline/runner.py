"""Converting one job: whatever becomes of it, every output gets a result or is put off."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from umtcli.errors import DecodeError, OutputBusy
from umtcli.media import AudioReader, LoudnessMeter, open_audio
from umtcli.pipeline.book import Book
from umtcli.pipeline.device import num_threads, torch_threads
from umtcli.pipeline.events import JobAdvanced, JobFinished, JobStarted, Listener, Noticed
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.opening import open_part
from umtcli.pipeline.result import Result
from umtcli.pipeline.sinks import OutputSink, SinkSettings, deliver
from umtcli.pipeline.translate import Part, translate

FILE_BLOCK_S = 4.0
PIPE_BLOCK_S = 0.25
"""A pipe wants its audio soon; a file wants few, large blocks, so that hearing one block
and playing another take turns on different cores."""


@dataclass
class Runner:
    """What all jobs of a run share."""

    request: Request
    machines: Machines
    ledger: Ledger
    listener: Listener
    stdin: BinaryIO = field(default_factory=lambda: sys.stdin.buffer)
    stdout: BinaryIO = field(default_factory=lambda: sys.stdout.buffer)
    num_threads: int = field(default_factory=num_threads)
    """That networks may use, all together."""

    def run(self, job: Job) -> tuple[list[Result], tuple[Output, ...]]:
        """Make every output of one job that is not done.

        Returns:
            the results, and the outputs without one: another run is making them.
        """
        book = Book(job, self.listener)
        try:
            self.ledger.begin(job)
            wanted = [output for output in job.outputs if not self._is_settled(job, output, book)]
            if wanted:
                self._convert(job, wanted, book)
        except Exception as e:
            book.fail_the_rest(blame(e, f"Converting {job}"))
        self.listener(JobFinished(job))
        return book.results(), book.left

    def _is_settled(self, job: Job, output: Output, book: Book) -> bool:
        """Whether nothing is left to do for an output: it is refused, or done already."""
        known = output.refused or self.ledger.look_up(job, output)
        if known is not None:
            book.enter(output, known)
        return known is not None

    def _convert(self, job: Job, outputs: Sequence[Output], book: Book) -> None:
        piped = any(output.path is None for output in outputs)
        block_s = PIPE_BLOCK_S if piped else FILE_BLOCK_S
        with ExitStack() as cleanup:
            source = self.stdin if job.source is None else job.source
            reader = open_audio(source, block_s=block_s, notice=self._notice)
            cleanup.enter_context(reader)
            self._check_duration(job, reader.duration_s)
            self.listener(JobStarted(job, reader.duration_s))
            meter = LoudnessMeter(reader.sample_rate, reader.num_channels)
            settings = SinkSettings(
                self.request,
                reader.sample_rate,
                reader.num_channels,
                reader.tags,
                meter,
                self.stdout,
                partial(self.ledger.enter, job),
            )
            parts = [self._try_to_open(job, output, settings, cleanup, book) for output in outputs]
            working = [opened for opened in parts if opened is not None]
            if working:
                self._translate(job, reader, [part for _, part, _ in working], meter, piped)
            for output, part, sink in working:
                book.enter(output, part.error or deliver(output, sink), reader.warning)

    def _notice(self, message: str) -> None:
        self.listener(Noticed(message))

    def _try_to_open(
        self, job: Job, output: Output, settings: SinkSettings, cleanup: ExitStack, book: Book
    ) -> tuple[Output, Part, OutputSink] | None:
        try:
            part, sink = open_part(self.machines, output, settings, cleanup)
        except OutputBusy:
            book.put_off(output)
            return None
        except Exception as e:
            book.enter(output, blame(e, f"Starting {output.player}"))
            return None
        # now that it is ours: another run may have made it since we looked
        return None if self._is_settled(job, output, book) else (output, part, sink)

    def _translate(
        self,
        job: Job,
        reader: AudioReader,
        parts: Sequence[Part],
        meter: LoudnessMeter,
        piped: bool,
    ) -> None:
        def advanced(done_s: float) -> None:
            self._check_duration(job, done_s)
            self.listener(JobAdvanced(job, done_s))

        # a pipe's gain looks at the input's meter, which must not run ahead of it
        overlap = not piped and self.num_threads >= 2
        with torch_threads(self.num_threads // 2 if overlap else self.num_threads):
            num_heard = translate(reader, parts, meter, advanced, overlap=overlap)
        if num_heard == 0:
            raise DecodeError(f"Cannot convert {job}: it holds no audio.")

    def _check_duration(self, job: Job, duration_s: float | None) -> None:
        longest_s = self.request.limits.max_duration_s
        if longest_s is not None and duration_s is not None and duration_s > longest_s:
            raise DecodeError(
                f"Cannot convert {job}: it lasts longer than --max-duration {longest_s:g} s."
            )
