"""The book of one job: which output got which result."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from umtcli.errors import UmtError
from umtcli.pipeline.events import Listener, OutputFinished
from umtcli.pipeline.jobs import Job, Output
from umtcli.pipeline.manifest import Made
from umtcli.pipeline.result import Result
from umtcli.pipeline.sinks import Delivered

_LOG = logging.getLogger(__name__)


class Book:
    """Who got which result; every output gets exactly one, or is put off."""

    def __init__(self, job: Job, listener: Listener) -> None:
        """Open it; the work on the job begins now."""
        self._job = job
        self._listener = listener
        self._started = time.perf_counter()
        self._results: dict[int, Result] = {}
        self._left: set[int] = set()

    @property
    def left(self) -> tuple[Output, ...]:
        """The outputs that were put off."""
        return tuple(self._job.outputs[index] for index in sorted(self._left))

    def put_off(self, output: Output) -> None:
        """Another run is making this one: see later what became of it."""
        self._left.add(self._job.outputs.index(output))

    def enter(
        self,
        output: Output,
        outcome: Delivered | Made | UmtError | None,
        warning: str | None = None,
    ) -> None:
        """Note what became of an output, and tell it; None if it is only planned."""
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
        elif outcome is None:
            result = replace(told, state="planned")
        elif isinstance(outcome, Made):
            result = replace(told, state="skipped", duration_s=outcome.duration_s)
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
            if index not in self._results and index not in self._left:
                self.enter(output, error)

    def results(self) -> list[Result]:
        """In the order of the job's outputs, without those that were put off."""
        return [self._results[index] for index in sorted(self._results)]
