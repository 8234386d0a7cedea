"""How `umt convert` tells what it does: bars on stderr, results on stdout."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from rich.progress import TaskID

from umtcli import console
from umtcli.errors import UmtError
from umtcli.pipeline.events import (  # noqa: TID253 - loaded when a conversion starts
    Event,
    JobAdvanced,
    JobFinished,
    JobStarted,
    OutputFinished,
    RunPlanned,
)

if TYPE_CHECKING:
    from umtcli.pipeline.result import Result


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
        self._file: TaskID | None = None
        self._duration_s: float | None = None
        self._jobs_done = 0
        self._told: UmtError | None = None

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
        if isinstance(event, RunPlanned):
            if len(event.jobs) > 1:
                self._total = self._bars.add_task("all files", total=len(event.jobs))
        elif isinstance(event, JobStarted):
            self._duration_s = event.duration_s
            name = event.job.source.name if event.job.source else "standard input"
            self._file = self._bars.add_task(console.safe(name), total=event.duration_s)
        elif isinstance(event, JobAdvanced):
            self._advance(event.done_s)
        elif isinstance(event, OutputFinished):
            self._report(event.result)
        elif isinstance(event, JobFinished):
            self._finish_job()

    def _advance(self, done_s: float) -> None:
        if self._file is not None:
            self._bars.update(self._file, completed=done_s)
        if self._total is not None and self._duration_s:
            share = min(done_s / self._duration_s, 1.0)
            self._bars.update(self._total, completed=self._jobs_done + share)

    def _finish_job(self) -> None:
        self._jobs_done += 1
        if self._file is not None:
            self._bars.remove_task(self._file)
            self._file = None
        if self._total is not None:
            self._bars.update(self._total, completed=self._jobs_done)

    def _report(self, result: Result) -> None:
        # the bars would be printed over, and would redirect stdout while they live
        self._bars.stop()
        if self._json:
            console.print_json(result.as_json(), stderr=self._to_stdout)
        if result.error is not None:
            # one broken input fails all its outputs for one reason: say it once
            if result.error is not self._told:
                console.complain(_complaint(result, result.error))
            self._told = result.error
        elif not self._quiet:
            if result.warning:
                console.say(f"Warning: {result.warning}")
            if result.limited_by_ceiling:
                console.say(f"{result.output}: quieter than its input, to stay under −1 dBTP.")
            if not self._json and not self._to_stdout:
                console.print_result(result.output)
        self._bars.start()


def _complaint(result: Result, error: UmtError) -> str:
    text = str(error)
    return text if result.input in text or result.output in text else f"{result.input}: {text}"
