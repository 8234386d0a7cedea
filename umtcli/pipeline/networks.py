"""The networks that the files in flight share: which computes next, and what if one fails.

    beat ─▶ stage of its ear ─▶ heard ─┬─▶ stage of a lane ─▶ played ─┬─▶ the beat is over
                                       └─▶ stage of a lane ─▶ played ─┘

Where a network fails with the streams of several files in it, nobody knows whose fault it
was: these outputs are put off, to be made again each alone, or fewer at a time if memory was
short.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from umtcli.optional import notice
from umtcli.pipeline.ear import Heard
from umtcli.pipeline.events import JobAdvanced, Noticed
from umtcli.pipeline.lane import Step
from umtcli.pipeline.machines import blame
from umtcli.pipeline.passage import Passage
from umtcli.pipeline.runner import Runner
from umtcli.pipeline.stage import Beat, Hearing, Item, Part, Stage
from umtcli.pipeline.tasks import Tasks

FEW_FILES = 4
"""In flight where networks compute each stream by itself: two at work, while one is opened
and one is written."""
FILES_A_THREAD = 16
"""In flight for each thread where a network computes many streams in the time of one."""


class Networks:
    """Takes the beats of files through encoders and decoders."""

    def __init__(
        self,
        runner: Runner,
        tasks: Tasks,
        *,
        num_at_once: int,
        most_files: int,
        end_beat: Callable[[Beat], None],
    ) -> None:
        """Prepare.

        Args:
            runner: of the run.
            tasks: where networks compute.
            num_at_once: networks that compute at a time.
            most_files: in flight, as long as memory lasts.
            end_beat: told of each beat that was played, or that nobody wants any more.
        """
        self._runner = runner
        self._tasks = tasks
        self._num_at_once = num_at_once
        self._most_files = most_files
        self._end_beat = end_beat
        self._files: list[Passage] = []
        self._stages: list[Stage] = []
        self._computing = 0
        self._told_of_memory = False
        self._told: set[str] = set()
        """What decoders had to say."""

    @property
    def room(self) -> int:
        """Files that may be in flight."""
        if any(stage.shared for stage in self._stages):
            return min(self._most_files, FILES_A_THREAD * self._runner.num_threads)
        return min(self._most_files, FEW_FILES)

    def enter(self, passage: Passage) -> None:
        """Let in a file that was opened."""
        self._files.append(passage)
        for member in passage.members:
            stage = member.stage
            if stage.broken:  # by another file, while this one was opened
                for part in member.all_parts:
                    part.put_off = True
                continue
            stage.members.add(member)
            if stage not in self._stages:
                self._stages.append(stage)
        for stage in self._stages:
            stage.most_files = max(stage.most_files, len(self._files))

    def leave(self, passage: Passage) -> None:
        """Let out a file that has no beats any more."""
        self._files.remove(passage)
        for member in passage.members:
            member.stage.leave(member)
            if not member.stage.shared and member.stage in self._stages:
                self._stages.remove(member.stage)

    def begin(self, beat: Beat) -> None:
        """Let a beat be heard, and then played."""
        for hearing in beat.passage.hearings:
            if hearing.works:
                self._queue(Item(hearing, beat))

    def compute(self) -> None:
        """Let as many networks work as may at a time; those of the oldest files come first."""
        for stage in tuple(self._stages):
            if self._computing == self._num_at_once:
                return
            if stage.waited_for:
                self._step(stage)

    def _queue(self, item: Item, *, first: bool = False) -> None:
        item.beat.turns_left += 1
        item.member.stage.add(item, first=first)

    def _end_turn(self, beat: Beat) -> None:
        beat.turns_left -= 1
        if not beat.turns_left:
            self._end_beat(beat)

    def _step(self, stage: Stage) -> None:
        items = stage.take()
        wanted = [item for item in items if item.member.works]
        for item in items:
            if item not in wanted:
                self._end_turn(item.beat)
        if wanted:
            stage.busy = True
            stage.most_files = len(self._files)
            self._computing += 1
            work = stage.hear if isinstance(wanted[0].member, Hearing) else stage.play
            self._tasks.compute(work, wanted, then=partial(self._worked, stage, wanted))

    def _worked(self, stage: Stage, items: Sequence[Item], future: Future[list[Any]]) -> None:
        stage.busy = False
        self._computing -= 1
        try:
            outcomes = future.result()
        except Exception as e:
            self._fail(stage, e)
        else:
            for item, outcome in zip(items, outcomes, strict=True):
                if isinstance(item.member, Hearing):
                    self._heard(item.member, item.beat, outcome)
                else:
                    self._played(item.member, item, *outcome)
            self._notice(notice(stage.streams))
        for item in items:
            self._end_turn(item.beat)

    def _heard(self, hearing: Hearing, beat: Beat, heard: Heard) -> None:
        for part in hearing.parts:
            if part.works:
                step = Step(part.lane, heard, beat.num_heard, last=beat.block_TC is None)
                self._queue(Item(part, beat, step))

    def _played(self, part: Part, item: Item, error: Exception | None, rest: Step | None) -> None:
        if error is not None:
            part.error = blame(error, f"Playing {part.name}")
        elif rest is not None:
            self._queue(replace(item, step=rest), first=True)
            if item.beat.block_TC is None:
                self._tell_progress(item.beat)

    def _tell_progress(self, beat: Beat) -> None:
        """Of what is played after all was heard; once for each second."""
        passage = beat.passage
        told_s, done_s = passage.done_s, passage.seconds_done(beat)
        if int(done_s) > int(told_s):
            self._runner.tell(JobAdvanced(passage.job, done_s))

    def _notice(self, message: str) -> None:
        """Tell once what should be known."""
        if message and message not in self._told:
            self._told.add(message)
            self._runner.tell(Noticed(message))

    def _fail(self, stage: Stage, error: Exception) -> None:
        """A network failed: it ends one file, or puts several off."""
        self._runner.stages.forget(stage)
        self._stages.remove(stage)
        stage.broken = True
        memory = isinstance(error, torch.OutOfMemoryError)
        # memory is short for all files, whoever it was that asked for more
        together = stage.most_files > 1 and (memory or len(stage.members) > 1)
        if together and memory:
            self._halve(stage.most_files)
        hears = any(isinstance(member, Hearing) for member in stage.members)
        for part in [part for member in stage.members for part in member.all_parts if part.works]:
            if together:
                part.put_off, part.must_be_alone = True, not memory
            else:
                part.error = blame(error, "Encoding" if hears else f"Playing {part.name}")
        for item in stage.drain():
            self._end_turn(item.beat)

    def _halve(self, num_files: int) -> None:
        self._most_files = min(self._most_files, max(1, num_files // 2))
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if not self._told_of_memory:
            self._told_of_memory = True
            self._runner.tell(
                Noticed(f"Too little memory for {num_files} files at once: going on with fewer.")
            )
