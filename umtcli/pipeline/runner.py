"""Opening one job and completing it: whatever becomes of it, every output gets a result.

What lies between, the networks, is the scheduler's.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, cast

from umtcli.domain import Encoder
from umtcli.errors import DecodeError, OutputBusy
from umtcli.media import LoudnessMeter, open_audio
from umtcli.pipeline.book import Book
from umtcli.pipeline.device import num_threads
from umtcli.pipeline.ear import Ear
from umtcli.pipeline.events import Event, JobFinished, JobStarted, Listener, Noticed
from umtcli.pipeline.jobs import Job, Output, Request
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines, blame
from umtcli.pipeline.opening import open_part
from umtcli.pipeline.passage import Passage
from umtcli.pipeline.sinks import SinkSettings, deliver
from umtcli.pipeline.stage import Hearing, Part, Stages

FILE_BLOCK_S = 4.0
PIPE_BLOCK_S = 0.25
"""A pipe wants its audio soon; a file wants few, large blocks, so that hearing one block
and playing another take turns on different cores."""


def standard_input() -> BinaryIO:
    """Standard input without Python's buffer.

    A thread that waits for more of a pipe would hold the buffer's lock, and Python aborts if it
    ends meanwhile.
    """
    buffered = sys.stdin.buffer
    return cast(BinaryIO, getattr(buffered, "raw", buffered))


@dataclass
class Runner:
    """What all jobs of a run share. Several threads may open and complete jobs."""

    request: Request
    machines: Machines
    ledger: Ledger
    listener: Listener
    stdin: BinaryIO = field(default_factory=standard_input)
    stdout: BinaryIO = field(default_factory=lambda: sys.stdout.buffer)
    num_threads: int = field(default_factory=num_threads)
    """That networks may use, all together."""

    def __post_init__(self) -> None:
        self.stages = Stages(self.num_threads)
        self._telling = threading.Lock()

    def tell(self, event: Event) -> None:
        """Tell the listener, whichever thread it comes from."""
        with self._telling:
            self.listener(event)

    def begin(self, job: Job, *, alone: bool = False) -> Passage:
        """Take a job up; nothing is opened yet."""
        return Passage(job, Book(job, self.tell), alone)

    def open(self, passage: Passage) -> None:
        """Open the input of a job, and those of its outputs that are not done."""
        job, book = passage.job, passage.book
        try:
            self.ledger.begin(job)
            wanted = [output for output in job.outputs if not self._is_settled(job, output, book)]
            if wanted:
                self._open(passage, wanted)
        except Exception as e:
            book.fail_the_rest(blame(e, f"Converting {job}"))

    def complete(self, passage: Passage) -> None:
        """Write the outputs that are made, and let go of everything."""
        job, book = passage.job, passage.book
        try:
            for part in passage.parts:
                if part.put_off:
                    book.put_off(part.output)
                else:
                    self._deliver(passage, part)
        except Exception as e:
            book.fail_the_rest(blame(e, f"Converting {job}"))
        finally:
            passage.holdings.close()
            self.ledger.end(job)
        self.tell(JobFinished(job))

    def check_duration(self, job: Job, duration_s: float | None) -> None:
        """Refuse what lasts too long.

        Raises:
            DecodeError: it does.
        """
        longest_s = self.request.limits.max_duration_s
        if longest_s is not None and duration_s is not None and duration_s > longest_s:
            raise DecodeError(
                f"Cannot convert {job}: it lasts longer than --max-duration {longest_s:g} s."
            )

    def _is_settled(self, job: Job, output: Output, book: Book) -> bool:
        """Whether nothing is left to do for an output: it is refused, or done already."""
        known = output.refused or self.ledger.look_up(job, output)
        if known is not None:
            book.enter(output, known)
        return known is not None

    def _open(self, passage: Passage, outputs: Sequence[Output]) -> None:
        job = passage.job
        passage.piped = any(output.path is None for output in outputs)
        source = self.stdin if job.source is None else job.source
        block_s = PIPE_BLOCK_S if passage.piped else FILE_BLOCK_S
        reader = open_audio(source, block_s=block_s, notice=self._notice)
        passage.holdings.callback(reader.close)
        passage.reader = reader
        self.check_duration(job, reader.duration_s)
        self.tell(JobStarted(job, reader.duration_s))
        passage.meter = LoudnessMeter(reader.sample_rate, reader.num_channels)
        settings = SinkSettings(
            self.request,
            reader.sample_rate,
            reader.num_channels,
            reader.tags,
            passage.meter,
            self.stdout,
            partial(self.ledger.enter, job),
            passage.taps,
        )
        by_encoder: dict[int, tuple[Encoder, list[Part]]] = {}
        for output in outputs:
            if opened := self._try_to_open(passage, output, settings):
                encoder, part = opened
                passage.parts.append(part)
                # equal encoders are one object, see Machines
                by_encoder.setdefault(id(encoder), (encoder, []))[1].append(part)
        for encoder, parts in by_encoder.values():
            self._listen(passage, encoder, parts)

    def _notice(self, message: str) -> None:
        self.tell(Noticed(message))

    def _try_to_open(
        self, passage: Passage, output: Output, settings: SinkSettings
    ) -> tuple[Encoder, Part] | None:
        book = passage.book
        try:
            opened = open_part(self.machines, self.stages, output, settings, passage.holdings)
        except OutputBusy:
            book.put_off(output)
            return None
        except Exception as e:
            book.enter(output, blame(e, f"Starting {output.player}"))
            return None
        # now that it is ours: another run may have made it since we looked
        return None if self._is_settled(passage.job, output, book) else opened

    def _listen(self, passage: Passage, encoder: Encoder, parts: Sequence[Part]) -> None:
        """Let these parts, which share an encoder, hear; if it fails, that ends them."""
        reader = passage.reader
        assert reader is not None
        mid = [part.plays_mid for part in parts]
        rate, channels = reader.sample_rate, reader.num_channels
        try:
            ear = Ear(encoder, rate, channels, sides=not all(mid), mid=any(mid))
            passage.hearings.append(Hearing(ear, self.stages.encoder(encoder), parts))
        except Exception as e:
            for part in parts:
                part.error = blame(e, "Encoding")

    def _deliver(self, passage: Passage, part: Part) -> None:
        reader = passage.reader
        assert reader is not None
        if part.error is None and passage.num_heard == 0:
            part.error = DecodeError(f"Cannot convert {passage.job}: it holds no audio.")
        outcome = part.error or deliver(part.output, part.sink)
        passage.book.enter(part.output, outcome, reader.warning)
