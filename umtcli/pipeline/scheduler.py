"""The scheduler: several files in flight, and every network busy with all that wait for it.

    jobs ─▶ open ─▶ read ─▶ ear ─▶ lanes ─▶ write ─▶ results      file 1
                open ─▶ read ─▶ ear ─▶ lanes ─▶ write             file 2
                     open ─▶ read ─▶ …                            file 3

One thread decides what comes next; nothing here waits but `Tasks.take`. Networks compute in
a pool of few threads; opening, reading and writing have threads of their own. A file is at
most so far ahead of itself, and at most so many files are in flight, that memory grows with
neither the length nor the number of the inputs:

    reader   │ block 2 │ block 3 │ block 4 │
    ears     │ block 1 │ block 2 │ block 3 │
    lanes              │ block 1 │ block 2 │ …

Where a network fails with the streams of several files in it, nobody knows whose fault it
was: these outputs are begun again, each alone, or fewer at a time if memory was short.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from umtcli.errors import UmtError
from umtcli.pipeline.ear import Heard
from umtcli.pipeline.events import JobAdvanced, Noticed
from umtcli.pipeline.jobs import Job, Output
from umtcli.pipeline.lane import Step
from umtcli.pipeline.machines import blame
from umtcli.pipeline.passage import Passage
from umtcli.pipeline.result import Result
from umtcli.pipeline.runner import Runner
from umtcli.pipeline.stage import Beat, Hearing, Item, Part, Stage
from umtcli.pipeline.tasks import Tasks

FEW_FILES = 4
"""In flight where networks compute each stream by itself: two at work, while one is opened
and one is written."""
FILES_A_THREAD = 16
"""In flight for each thread where a network computes many streams in the time of one."""
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
        self._piped = piped
        self._most_files = most_files
        overlap = not piped and runner.num_threads >= 2
        self._num_networks = 2 if overlap else 1
        self._tasks = Tasks(runner.num_threads, self._num_networks)
        self._passages: list[Passage] = []
        self._again: deque[tuple[Job, bool]] = deque()
        """Jobs that failed together, and whether they must be alone the next time."""
        self._done: deque[Done] = deque()
        self._stages: list[Stage] = []
        self._computing = 0
        self._more = True
        """Whether jobs may be left to take."""
        self._taking = False
        self._told_of_memory = False

    def run(self, jobs: Iterator[Job]) -> Generator[Done, None, None]:
        """Run jobs; what becomes of each comes as soon as it is known, in any order.

        Args:
            jobs: asked for the next one, in another thread, whenever there is room for it.
        """
        try:
            while True:
                self._take_more(jobs)
                self._compute()
                if not self._tasks.take():
                    return
                while self._done:
                    yield self._done.popleft()
        finally:
            self._end()

    # ---- taking jobs up

    @property
    def _room(self) -> int:
        """Files that may be in flight."""
        if any(passage.alone for passage in self._passages):
            return 1
        if any(stage.shared for stage in self._stages):
            return min(self._most_files, FILES_A_THREAD * self._runner.num_threads)
        return min(self._most_files, FEW_FILES)

    def _take_more(self, jobs: Iterator[Job]) -> None:
        while len(self._passages) < self._room and not self._taking:
            if self._again:
                job, alone = self._again[0]
                if alone and self._passages:
                    return
                self._again.popleft()
                self._open(job, alone=alone)
            elif self._more:
                self._taking = True
                self._tasks.aside(next, jobs, None, then=self._taken)
            else:
                return

    def _taken(self, future: Future[Job | None]) -> None:
        self._taking = False
        job = future.result()
        if job is None:
            self._more = False
        else:
            self._open(job)

    def _open(self, job: Job, *, alone: bool = False) -> None:
        passage = self._runner.begin(job, alone=alone)
        self._passages.append(passage)
        then = partial(self._opened, passage)
        passage.thread = self._tasks.aside(self._runner.open, passage, then=then)

    def _opened(self, passage: Passage, future: Future[None]) -> None:
        future.result()
        passage.moving = True
        for member in passage.members:
            member.stage.members.add(member)
            if member.stage not in self._stages:
                self._stages.append(member.stage)
        self._read(passage)
        self._move(passage)

    # ---- one file

    def _read(self, passage: Passage) -> None:
        if passage.works:
            self._tasks.aside(passage.read, then=partial(self._has_read, passage))

    def _has_read(self, passage: Passage, future: Future[Any]) -> None:
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
        elif passage.read_ahead and len(passage.beats) < (1 if self._piped else 2):
            self._begin_beat(passage)

    def _begin_beat(self, passage: Passage) -> None:
        block_TC = passage.read_ahead.pop()
        passage.over = block_TC is None
        passage.num_heard += 0 if block_TC is None else len(block_TC)
        beat = Beat(passage, block_TC, passage.num_heard)
        passage.beats.append(beat)
        for hearing in passage.hearings:
            if hearing.works:
                beat.turns_left += 1
                hearing.stage.add(Item(hearing, beat))
        try:
            self._runner.check_duration(passage.job, passage.seconds(beat))
        except UmtError as e:
            passage.fail(e, f"Converting {passage.job}")
        if not passage.over:
            self._read(passage)

    def _complete(self, passage: Passage) -> None:
        passage.moving = False
        for member in passage.members:
            member.stage.leave(member)
            if not member.stage.shared and member.stage in self._stages:
                self._stages.remove(member.stage)
        then = partial(self._completed, passage)
        passage.thread = self._tasks.aside(self._runner.complete, passage, then=then)

    def _completed(self, passage: Passage, future: Future[None]) -> None:
        future.result()
        self._passages.remove(passage)
        again = [part for part in passage.parts if part.put_off]
        left = tuple(o for o in passage.book.left if o not in [part.output for part in again])
        for alone in (True, False):
            outputs = tuple(part.output for part in again if part.must_be_alone == alone)
            if outputs:
                self._again.append((replace(passage.job, outputs=outputs), alone))
        self._done.append(Done(passage.job, passage.book.results(), left))

    # ---- networks

    def _compute(self) -> None:
        """Let as many networks work as may at a time; those of the oldest files come first."""
        for stage in tuple(self._stages):
            if self._computing == self._num_networks:
                return
            if stage.waited_for:
                self._step(stage)

    def _step(self, stage: Stage) -> None:
        items = stage.take()
        wanted = [item for item in items if item.member.works]
        for item in items:
            if item not in wanted:
                self._end_turn(item.beat)
        if wanted:
            stage.busy = True
            self._computing += 1
            hears = isinstance(wanted[0].member, Hearing)
            work, then = (stage.hear, self._heard) if hears else (stage.play, self._played)
            self._tasks.compute(work, wanted, then=partial(self._worked, stage, wanted, then))

    def _worked(
        self,
        stage: Stage,
        items: Sequence[Item],
        then: Callable[[Item, Any], None],
        future: Future[list[Any]],
    ) -> None:
        stage.busy = False
        self._computing -= 1
        try:
            outcomes = future.result()
        except Exception as e:
            self._fail(stage, e)
            outcomes = []
        for item, outcome in zip(items, outcomes, strict=False):
            then(item, outcome)
        for item in items:
            self._end_turn(item.beat)

    def _heard(self, item: Item, heard: Heard) -> None:
        assert isinstance(item.member, Hearing)
        for part in item.member.parts:
            if part.works:
                last = item.beat.block_TC is None
                item.beat.turns_left += 1
                part.stage.add(
                    Item(part, item.beat, Step(part.lane, heard, item.beat.num_heard, last))
                )

    def _played(self, item: Item, outcome: tuple[Exception | None, Step | None]) -> None:
        assert isinstance(item.member, Part)
        error, rest = outcome
        if error is not None:
            item.member.error = blame(error, f"Playing {item.member.name}")
        elif rest is not None:
            item.beat.turns_left += 1
            item.member.stage.add(replace(item, step=rest), first=True)

    def _end_turn(self, beat: Beat) -> None:
        beat.turns_left -= 1
        if not beat.turns_left:
            passage = beat.passage
            passage.beats.remove(beat)
            if passage.works and beat.block_TC is not None:
                self._runner.tell(JobAdvanced(passage.job, passage.seconds(beat)))
            self._move(passage)

    # ---- failures

    def _fail(self, stage: Stage, error: Exception) -> None:
        """A network failed: it ends one file, or puts several off."""
        self._runner.stages.forget(stage)
        self._stages.remove(stage)
        parts = [part for member in stage.members for part in member.all_parts if part.works]
        together = len(stage.members) > 1
        memory = isinstance(error, torch.OutOfMemoryError)
        if together and memory:
            self._halve(len(stage.members))
        for part in parts:
            if together:
                part.put_off, part.must_be_alone = True, not memory
            else:
                hears = any(isinstance(member, Hearing) for member in stage.members)
                part.error = blame(error, "Encoding" if hears else f"Playing {part.name}")
        for item in stage.drain():
            self._end_turn(item.beat)

    def _halve(self, num_files: int) -> None:
        self._most_files = max(1, num_files // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not self._told_of_memory:
            self._told_of_memory = True
            self._runner.tell(
                Noticed(f"Too little memory for {num_files} files at once: going on with fewer.")
            )

    def _end(self) -> None:
        """Leave nothing behind, whether all is done or somebody interrupted it."""
        for passage in self._passages:
            passage.holdings.cancel()
            if passage.moving:
                passage.holdings.close()  # ends its reader, which may be waiting
        self._tasks.close()
        deadline = time.monotonic() + GRACE_S
        for passage in self._passages:
            if passage.thread is not None:
                passage.thread.join(max(0.0, deadline - time.monotonic()))
            passage.holdings.close()
