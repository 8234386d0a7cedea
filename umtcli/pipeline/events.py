"""What a running conversion tells whoever listens, usually a progress bar.

A listener is any callable that takes an event. It is called from several threads, one at a
time. The events of different inputs come in any order, those of one input in this:

    JobStarted ─▶ JobAdvanced, … ─▶ OutputFinished, … ─▶ JobFinished
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from umtcli.pipeline.jobs import Job
from umtcli.pipeline.result import Result


@dataclass(frozen=True)
class RunPlanned:
    """All checks passed; work begins."""

    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class JobStarted:
    """An input was opened."""

    job: Job
    duration_s: float | None
    """How much audio it holds; None where its container does not say."""


@dataclass(frozen=True)
class JobAdvanced:
    """More of an input was translated."""

    job: Job
    done_s: float
    """Seconds of the input so far."""


@dataclass(frozen=True)
class OutputFinished:
    """One output was written, or failed for good: see `result.error`."""

    job: Job
    result: Result


@dataclass(frozen=True)
class JobFinished:
    """Nothing is under way for an input any more.

    If some of its outputs were put off, it is begun again: `JobStarted` comes once more.
    """

    job: Job


@dataclass(frozen=True)
class Noticed:
    """Something that a user should know, though nothing failed."""

    message: str


Event = Noticed | RunPlanned | JobStarted | JobAdvanced | OutputFinished | JobFinished
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that does nothing."""
