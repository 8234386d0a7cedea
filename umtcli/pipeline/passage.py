"""One input on its way: what it holds, and how far it is.

open ─▶ read, read, … ─▶ ears and lanes, see `scheduler` ─▶ complete
"""

from __future__ import annotations

from dataclasses import dataclass, field

from umtcli.media import AudioReader, Block, LoudnessMeter
from umtcli.pipeline.book import Book
from umtcli.pipeline.holdings import Holdings
from umtcli.pipeline.jobs import Job
from umtcli.pipeline.machines import blame
from umtcli.pipeline.original import Tap
from umtcli.pipeline.stage import Beat, Hearing, Part


@dataclass(eq=False)
class Passage:
    """One job on its way."""

    job: Job
    book: Book
    alone: bool = False
    """Whether nothing else may be in flight, since the job failed together with others."""
    holdings: Holdings = field(default_factory=Holdings)
    reader: AudioReader | None = None
    meter: LoudnessMeter | None = None
    parts: list[Part] = field(default_factory=list)
    """The outputs in the making."""
    hearings: list[Hearing] = field(default_factory=list)
    piped: bool = False
    """Whether an output is a pipe: it wants its audio soon."""
    taps: list[Tap] = field(default_factory=list)
    """Who else is given the input as it is read."""
    num_heard: int = 0
    """Samples of the input that were given to the networks."""
    read_ahead: list[Block | None] = field(default_factory=list)
    """The block that comes next, if it is read already; None ends the file."""
    beats: list[Beat] = field(default_factory=list)
    """Blocks on their way through the networks."""
    over: bool = False
    """Whether no more blocks are to come."""
    moving: bool = False
    """Whether it was opened, and is not being completed."""
    done_s: float = 0.0
    """Seconds of the input that all working parts have played, as far as was asked."""

    @property
    def members(self) -> list[Part | Hearing]:
        """All that take turns at networks."""
        return [*self.hearings, *self.parts]

    @property
    def works(self) -> bool:
        """Whether anybody still wants to hear it."""
        return any(part.works for part in self.parts)

    def seconds(self, beat: Beat) -> float:
        """How much of the input there is up to the end of a beat."""
        assert self.reader is not None
        return beat.num_heard / self.reader.sample_rate

    def seconds_done(self, beat: Beat) -> float:
        """How much of that all working parts have played; never less than before.

        What an encoder holds back counts as played: it is little.
        """
        owed_s = max((part.owed_s for part in self.parts if part.works), default=0.0)
        self.done_s = max(self.done_s, self.seconds(beat) - owed_s)
        return self.done_s

    def fail(self, error: Exception, doing: str) -> None:
        """Note why no part can go on."""
        for part in self.parts:
            if part.works:
                part.error = blame(error, doing)

    def read(self) -> Block | None:
        """The next block; None at the end. Meter and taps have it ahead of the sinks."""
        assert self.reader is not None
        assert self.meter is not None
        block_TC = next(self.reader, None)
        if block_TC is not None:
            self.meter.push(block_TC)
        for tap in self.taps:
            tap(block_TC)
        return block_TC
