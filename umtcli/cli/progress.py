"""How `umt convert` tells what it does: bars on stderr, results on stdout."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import TaskID

from umtcli import console
from umtcli.errors import ReaderGone, UmtError
from umtcli.pipeline.events import (  # noqa: TID253 - convert and blend import this as they run
    Event,
    JobAdvanced,
    JobFinished,
    JobStarted,
    Noticed,
    OutputFinished,
    RunPlanned,
)

if TYPE_CHECKING:
    from umtcli.pipeline.result import Result


LONG_RUN = 20
"""More results than this scroll out of sight."""
_ORDER = ("made", "done already", "to be made", "failed")
_WORDS = {"done": "made", "skipped": "done already", "planned": "to be made"}


MOST_BARS = 4
"""Of files that are at work at the same time; more would scroll."""


@dataclass
class _File:
    """A file that is at work."""

    bar: TaskID | None
    duration_s: float | None
    share: float = 0.0
    """Done so far, 0 … 1."""


class ConvertProgress:
    """Listens to a run; a context manager, so that the bars vanish whatever happens."""

    def __init__(self, *, quiet: bool, json: bool, to_stdout: bool) -> None:
        """Prepare.

        Args:
            quiet: show errors only (and the JSON, if asked for).
            json: print each result as a JSON object.
            to_stdout: stdout carries audio and nothing else.
        """
        self._quiet = quiet
        self._json = json
        self._to_stdout = to_stdout
        self._bars = console.make_progress(quiet=quiet or not sys.stderr.isatty())
        self._total: TaskID | None = None
        self._files: dict[str, _File] = {}
        self._done: set[str] = set()
        self._told: set[str] = set()
        """What need not be said again."""

    def __enter__(self) -> ConvertProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Noticed):
            # workers of one run may notice the same
            if not self._quiet and event.message not in self._told:
                self._told.add(event.message)
                with self._paused():
                    console.say(event.message)
        elif isinstance(event, RunPlanned):
            if len(event.jobs) > 1:
                self._total = self._bars.add_task("all files", total=len(event.jobs))
        elif isinstance(event, JobStarted):
            self._start(str(event.job), event.job.source, event.duration_s)
        elif isinstance(event, JobAdvanced):
            self._advance(str(event.job), event.done_s)
        elif isinstance(event, OutputFinished):
            self._report(event.result)
        elif isinstance(event, JobFinished):
            self._finish(str(event.job))

    def _start(self, job: str, source: Path | None, duration_s: float | None) -> None:
        self._end_bar(job)  # of one that is begun again
        self._done.discard(job)
        bar = None
        if sum(file.bar is not None for file in self._files.values()) < MOST_BARS:
            name = source.name if source else "standard input"
            bar = self._bars.add_task(console.safe(name), total=duration_s)
        self._files[job] = _File(bar, duration_s)

    def _advance(self, job: str, done_s: float) -> None:
        file = self._files.get(job)
        if file is None:
            return
        if file.bar is not None:
            self._bars.update(file.bar, completed=done_s)
        if file.duration_s:
            file.share = min(done_s / file.duration_s, 1.0)
        self._advance_all()

    def _finish(self, job: str) -> None:
        self._done.add(job)
        self._end_bar(job)
        self._advance_all()

    def _end_bar(self, job: str) -> None:
        file = self._files.pop(job, None)
        if file is not None and file.bar is not None:
            self._bars.remove_task(file.bar)

    def _advance_all(self) -> None:
        if self._total is not None:
            share = sum(file.share for file in self._files.values())
            self._bars.update(self._total, completed=len(self._done) + share)

    @contextmanager
    def _paused(self) -> Iterator[None]:
        # the bars would be printed over, and would redirect stdout while they live
        self._bars.stop()
        yield
        console.restart(self._bars)

    def _report(self, result: Result) -> None:
        with self._paused():
            if self._json:
                console.print_json(result.as_json(), stderr=self._to_stdout)
            if result.error is not None:
                self._complain(result, result.error)
            elif not self._quiet:
                self._tell(result)

    def _complain(self, result: Result, error: UmtError) -> None:
        # one broken input fails all its outputs for one reason: say it once, though the
        # errors of other inputs come in between
        if str(error) not in self._told and not isinstance(error, ReaderGone):
            console.complain(_complaint(result, error))
        self._told.add(str(error))

    def _tell(self, result: Result) -> None:
        if result.warning:
            console.say(f"Warning: {result.warning}")
        if result.limited_by_ceiling:
            console.say(f"{result.output}: quieter than its input, to stay under −1 dBTP.")
        if not self._json and not self._to_stdout:
            planned = f"{result.input} → " if result.state == "planned" else ""
            console.print_result(planned + result.output)

    def summarise(self, results: Sequence[Result]) -> None:
        """Tell at the end how many outputs are done, if there is more to it than that.

        What failed is told again where its message is out of sight.
        """
        failed = [result for result in results if result.error is not None]
        counts = Counter("failed" if result.error else _WORDS[result.state] for result in results)
        if self._quiet:
            return
        if not results:
            console.say("There is nothing to do.")
        if set(counts) - {"made"} and (len(results) > 1 or not failed):
            told = (f"{counts[what]} {what}" for what in _ORDER if counts[what])
            console.say(", ".join(told) + ".")
        if len(results) > LONG_RUN:
            for result in failed:
                assert result.error is not None
                console.say(f"  {_complaint(result, result.error)}")


def _complaint(result: Result, error: UmtError) -> str:
    text = console.safe(str(error))
    named = any(console.safe(name) in text for name in (result.input, result.output))
    return text if named else f"{result.input}: {text}"
