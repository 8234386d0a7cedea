"""The scheduler: several files in flight, from their jobs to their results.

    jobs ─▶ open ─▶ read ─▶ ear ─▶ lanes ─▶ write ─▶ results      file 1
                open ─▶ read ─▶ ear ─▶ lanes ─▶ write             file 2
                     open ─▶ read ─▶ …                            file 3

One thread decides what comes next; nothing here waits but `Tasks.take`. Networks compute in
a pool of few threads, see `networks`; opening, reading and writing have threads of their own.
A file is at most so far ahead of itself, and at most so many files are in flight, that memory
grows with neither the length nor the number of the inputs:

    reader   │ block 2 │ block 3 │ block 4 │
    ears     │ block 1 │ block 2 │ block 3 │
    lanes              │ block 1 │ block 2 │ …
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial

from umtcli.errors import UmtError
from umtcli.media import Block
from umtcli.pipeline.events import JobAdvanced
from umtcli.pipeline.jobs import Job, Output
from umtcli.pipeline.networks import Networks
from umtcli.pipeline.passage import Passage
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import Runner
from umtcli.pipeline.stage import Beat
from umtcli.pipeline.tasks import Tasks

GRACE_S = 1.0
"""What files that are opened or written have to stop, when nobody wants them any more."""
MOST_FILES = 64
"""Each holds an ffmpeg, a few open files, and what networks remember of it."""


@dataclass(frozen=True)
class Done:
    """What became of a job."""

    job: Job
    results: list[Result]
    left: tuple[Output, ...]
    """Outputs without a result: another run is making them."""


class Scheduler:
    """Runs jobs, several at a time."""

    def __init__(
        self, runner: Runner, *, most_files: int = MOST_FILES, piped: bool = False
    ) -> None:
        """Prepare.

        Args:
            runner: opens and completes jobs.
            most_files: in flight.
            piped: whether audio goes out as it comes: one network computes at a time, with
                all threads, and none runs ahead of the other.
        """
        self._runner = runner
        self._most_beats = 1 if piped else 2
        num_at_once = 1 if piped or runner.num_threads == 1 else 2
        self._tasks = Tasks(runner.num_threads, num_at_once)
        self._networks = Networks(
            runner,
            self._tasks,
            num_at_once=num_at_once,
            most_files=most_files,
            end_beat=self._end_beat,
        )
        self._passages: list[Passage] = []
        self._waiting: deque[tuple[Job, bool]] = deque()
        """Jobs that were taken and not begun, and whether each must be alone."""
        self._done: deque[Done] = deque()
        self._more = True
        """Whether jobs may be left to take."""
        self._taking = False

    def run(self, jobs: Iterator[Job]) -> Generator[Done, None, None]:
        """Run jobs; what becomes of each comes as soon as it is known, in any order.

        Args:
            jobs: asked for the next one, in another thread, whenever there is room for it.
        """
        try:
            while True:
                self._begin_waiting()
                self._take_more(jobs)
                self._networks.compute()
                if not self._tasks.take():
                    return
                while self._done:
                    yield self._done.popleft()
        finally:
            self._end()

    # ---- taking jobs up

    @property
    def _room(self) -> int:
        """How many more files may be in flight."""
        alone = any(passage.alone for passage in self._passages)
        return 0 if alone else self._networks.room - len(self._passages)

    def _begin_waiting(self) -> None:
        while self._waiting and self._room > 0:
            job, alone = self._waiting[0]
            if alone and self._passages:
                return
            self._waiting.popleft()
            self._open(job, alone=alone)

    def _take_more(self, jobs: Iterator[Job]) -> None:
        if self._more and not self._taking and not self._waiting and self._room > 0:
            self._taking = True
            self._tasks.aside(next, jobs, None, then=self._taken)

    def _taken(self, future: Future[Job | None]) -> None:
        self._taking = False
        job = future.result()
        if job is None:
            self._more = False
        else:
            self._waiting.append((job, False))

    def _open(self, job: Job, *, alone: bool) -> None:
        passage = self._runner.begin(job, alone=alone)
        self._passages.append(passage)
        then = partial(self._opened, passage)
        self._tasks.aside(self._runner.open, passage, then=then)

    def _opened(self, passage: Passage, future: Future[None]) -> None:
        future.result()
        passage.moving = True
        self._networks.enter(passage)
        self._read(passage)
        self._move(passage)

    # ---- one file

    def _read(self, passage: Passage) -> None:
        if passage.works:
            self._tasks.aside(passage.read, then=partial(self._has_read, passage))

    def _has_read(self, passage: Passage, future: Future[Block | None]) -> None:
        try:
            passage.read_ahead.append(future.result())
        except Exception as e:
            passage.fail(e, f"Converting {passage.job}")
        self._move(passage)

    def _move(self, passage: Passage) -> None:
        """Let a file take its next step, if it can."""
        passage.over |= not passage.works
        if passage.over:
            if not passage.beats and passage.moving:
                self._complete(passage)
        elif passage.read_ahead and len(passage.beats) < self._most_beats:
            self._begin_beat(passage)

    def _begin_beat(self, passage: Passage) -> None:
        block_TC = passage.read_ahead.pop()
        passage.over = block_TC is None
        passage.num_heard += 0 if block_TC is None else len(block_TC)
        beat = Beat(passage, block_TC, passage.num_heard)
        passage.beats.append(beat)
        self._networks.begin(beat)
        try:
            self._runner.check_duration(passage.job, passage.seconds(beat))
        except UmtError as e:
            passage.fail(e, f"Converting {passage.job}")
        if not passage.over:
            self._read(passage)

    def _end_beat(self, beat: Beat) -> None:
        passage = beat.passage
        passage.beats.remove(beat)
        if passage.works and beat.block_TC is not None:
            self._runner.tell(JobAdvanced(passage.job, passage.seconds_done(beat)))
        self._move(passage)

    def _complete(self, passage: Passage) -> None:
        passage.moving = False
        self._networks.leave(passage)
        then = partial(self._completed, passage)
        self._tasks.aside(self._runner.complete, passage, then=then)

    def _completed(self, passage: Passage, future: Future[None]) -> None:
        future.result()
        self._passages.remove(passage)
        again = [part for part in passage.parts if part.put_off]
        if again:
            job = replace(passage.job, outputs=tuple(part.output for part in again))
            self._waiting.append((job, any(part.must_be_alone for part in again)))
        left = tuple(o for o in passage.book.left if o not in [part.output for part in again])
        self._done.append(Done(passage.job, passage.book.results(), left))

    def _end(self) -> None:
        """Leave nothing behind, whether all is done or somebody interrupted it."""
        for passage in self._passages:
            passage.holdings.cancel()
            if passage.moving:
                passage.holdings.close()  # ends its reader, which may be waiting
        self._tasks.close(GRACE_S)
        for passage in self._passages:
            passage.holdings.close()
