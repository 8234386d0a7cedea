"""Where an output ends: a file that gets one gain at the end, or a pipe that cannot wait."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from umtcli.errors import OutputBusy, UmtError
from umtcli.media import AudioWriter, Block, LoudnessMeter
from umtcli.media.pending import PendingFile
from umtcli.media.writer import Bits, claim_file
from umtcli.pipeline.causal import CausalLevel
from umtcli.pipeline.holdings import Holdings
from umtcli.pipeline.jobs import Output, Request
from umtcli.pipeline.levels import Gain, Spool, match_loudness
from umtcli.pipeline.machines import blame
from umtcli.pipeline.original import Level, MixedLevel, Queue, Tap, mixed, resampled
from umtcli.pipeline.players import Player
from umtcli.pipeline.tags import output_tags
from umtcli.pipeline.tape import Tape


@dataclass(frozen=True)
class Delivered:
    """A complete output."""

    duration_s: float
    gain_db: float | None
    limited_by_ceiling: bool


class Deliverable(Protocol):
    """An output in the making."""

    def deliver(self) -> Delivered:
        """Complete the output once everything was taken."""


class OutputSink(Deliverable, Protocol):
    """Takes what was played and makes an output of it."""

    def write(self, block_TC: NDArray[np.float32]) -> None:
        """Take the next block, float32 (T, C)."""


Record = Callable[[Output, Path, float], None]
"""Told of a complete output before it gets its name: which, where it is, its seconds."""


def _record_nothing(output: Output, file: Path, duration_s: float) -> None:
    pass


@dataclass(frozen=True)
class SinkSettings:
    """What sinks of one input have in common."""

    request: Request
    sample_rate: int
    """Of the input, in Hz."""
    num_channels: int
    """Of the input and its outputs, 1 or 2."""
    tags: Mapping[str, str]
    """Of the input."""
    meter: LoudnessMeter
    """Of the input."""
    stdout: BinaryIO
    record: Record = _record_nothing
    taps: list[Tap] = field(default_factory=list)
    """Who else is given the input as it is read; sinks add themselves."""

    def open_writer(
        self, output: Output, sample_rate: int, pending: PendingFile | None = None
    ) -> AudioWriter:
        """The writer of one output; `pending` is its file if that was claimed before."""
        request = self.request
        assert isinstance(output.player, Player)
        return AudioWriter(
            self.stdout if output.path is None else output.path,
            pending=pending,
            sample_rate=sample_rate,
            num_channels=self.num_channels,
            format=output.format,
            bits=cast(Bits, request.bits),  # planned: 16, 24 or 32
            tags=output_tags(self.tags, output.player, request.mix),
            seed=request.seed,
        )

    def tap(self, sample_rate: int, take: Callable[[Block], None]) -> None:
        """Let something take the input, at another rate."""
        self.taps.append(resampled(self.sample_rate, sample_rate, self.num_channels, take))


def open_sink(
    output: Output, sample_rate: int, settings: SinkSettings, cleanup: Holdings
) -> OutputSink:
    """Open what an output needs; whatever is incomplete when `cleanup` closes disappears.

    Raises:
        EncodeError: nothing can be written there.
    """
    if output.path is None:
        return PipeSink(output, sample_rate, settings, cleanup)
    return FileSink(output, sample_rate, settings, cleanup)


class FileSink:
    """Spools, then writes the file with the one gain that matches its input's loudness."""

    def __init__(
        self, output: Output, sample_rate: int, settings: SinkSettings, cleanup: Holdings
    ) -> None:
        assert output.path is not None
        self._output = output
        self._rate = sample_rate
        self._settings = settings
        self._folder = output.path.parent
        self._cleanup = cleanup
        self._spool = self._new_spool()
        self._original: Tape | None = None
        if settings.request.mix:
            self._original = Tape(self._folder, settings.num_channels)
            cleanup.callback(self._original.close)
            settings.tap(sample_rate, self._original.write)
        # claimed now: who comes later should not work for nothing
        self._pending = claim(output, self._record)
        cleanup.callback(self._pending.discard)

    def write(self, block_TC: NDArray[np.float32]) -> None:
        """Spool a block."""
        self._spool.write(block_TC)

    def deliver(self) -> Delivered:
        """Write the file."""
        spool = self._with(self._original) if self._original else self._spool
        gain = self._match(spool, spool.peak.dbtp())
        writer = self._settings.open_writer(self._output, self._rate, self._pending)
        try:
            spool.deliver(writer, gain.db)
            writer.close()
        except BaseException:
            writer.abort()
            raise
        spool.close()
        return Delivered(self._duration_s, gain.db, gain.limited)

    def _with(self, original: Tape) -> Spool:
        """What was played, as loud as the original, mixed with it."""
        gain = self._match(self._spool, peak_dbtp=-math.inf)  # only the mixture may not peak
        both = self._new_spool()
        for block_TC in mixed(self._spool, gain.db, original, self._settings.request.mix):
            both.write(block_TC)
        return both

    def _new_spool(self) -> Spool:
        spool = Spool(self._folder, self._rate, self._settings.num_channels)
        self._cleanup.callback(spool.close)
        return spool

    def _match(self, spool: Spool, peak_dbtp: float) -> Gain:
        heard = self._settings.meter.integrated_lufs()
        return match_loudness(heard, spool.meter.integrated_lufs(), peak_dbtp, self._duration_s)

    @property
    def _duration_s(self) -> float:
        return self._spool.num_samples / self._rate

    def _record(self, file: Path) -> None:
        self._settings.record(self._output, file, self._duration_s)


class PipeSink:
    """Writes at once, with a gain that knows only the past."""

    def __init__(
        self, output: Output, sample_rate: int, settings: SinkSettings, cleanup: Holdings
    ) -> None:
        self._rate = sample_rate
        self._num_samples = 0
        self._level = _causal_level(sample_rate, settings)
        self._writer = settings.open_writer(output, sample_rate)
        cleanup.callback(self._abandon)
        self._complete = False

    def write(self, block_TC: NDArray[np.float32]) -> None:
        """Level a block and send what is ready."""
        self._num_samples += len(block_TC)
        self._writer.write(self._level.push(block_TC))

    def deliver(self) -> Delivered:
        """Send the rest."""
        self._writer.write(self._level.finish())
        self._writer.close()
        self._complete = True
        return Delivered(self._num_samples / self._rate, gain_db=None, limited_by_ceiling=False)

    def _abandon(self) -> None:
        if not self._complete:
            self._writer.abort()


def _causal_level(sample_rate: int, settings: SinkSettings) -> Level:
    share, num_channels = settings.request.mix, settings.num_channels
    played = CausalLevel(settings.meter, sample_rate, num_channels)
    if not share:
        return played
    original = Queue(num_channels)
    settings.tap(sample_rate, original.write)
    both = CausalLevel(settings.meter, sample_rate, num_channels)
    return MixedLevel(played, original, share, both)


def claim(output: Output, before_naming: Callable[[Path], None]) -> PendingFile:
    """The file that will become an output, which nobody else can be making.

    Args:
        output: which is no pipe.
        before_naming: see `PendingFile`.

    Raises:
        OutputBusy: somebody is.
        EncodeError: nothing can be written there.
    """
    assert output.path is not None
    try:
        return claim_file(output.path, before_naming)
    except BlockingIOError as e:
        raise OutputBusy(f"Another run of umt is making {output}. Wait for it.") from e


def deliver(output: Output, sink: Deliverable) -> Delivered | UmtError:
    """Complete an output, or say why it cannot be."""
    try:
        return sink.deliver()
    except Exception as e:
        return blame(e, f"Writing {output}")
