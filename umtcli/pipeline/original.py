"""A file's own sound in what is played of it, for `--mix`: both as loud as each other.

    a file     input ─▶ resampled ─▶ tape ─────────┐
               played ─▶ spool ─▶ × its gain ──────┴─▶ mixed ─▶ spool ─▶ × its gain

    a pipe     input ─▶ resampled ─▶ queue ────────┐
               played ─▶ level of the past ────────┴─▶ mixed ─▶ level of the past

A share is of the amplitude: 0 is what was played alone, 1 the original alone.

T samples, C channels.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from umtcli.media import Block, Resampler
from umtcli.pipeline.tape import Tape

Tap = Callable[[Block | None], None]
"""Given each block of an input as it is read, (T, C); None ends it."""


class Level(Protocol):
    """Brings a stream to a level; `push` and `finish` together give as much as went in."""

    def push(self, block_TC: Block) -> Block:
        """Feed float32 (T, C), take what is ready."""

    def finish(self) -> Block:
        """The rest."""


def resampled(rate_in: int, rate_out: int, num_channels: int, take: Callable[[Block], None]) -> Tap:
    """A tap that hands an input on at another rate, in Hz."""
    resampler = Resampler(rate_in, rate_out, num_channels)

    def hear(block_TC: Block | None) -> None:
        take(resampler.finish() if block_TC is None else resampler.push(block_TC))

    return hear


def mixed(played: Tape, gain_db: float, original: Tape, share: float) -> Iterator[Block]:
    """What was played, with a gain, and the original: (T, C) blocks of both together.

    Args:
        played: as long as the original.
        gain_db: of what was played.
        original: at the same rate.
        share: of the original, 0 … 1.
    """
    gain = 10 ** (gain_db / 20)
    for played_TC, original_TC in zip(played.blocks(), original.blocks(), strict=True):
        yield _mix(gain * played_TC, original_TC, share)


class Queue:
    """The original of a pipe, which was read but not played yet: a few seconds."""

    def __init__(self, num_channels: int) -> None:
        self._waiting_TC = np.zeros((0, num_channels), np.float32)
        self._lock = threading.Lock()  # one thread reads the input, another plays

    def write(self, block_TC: Block) -> None:
        """Append float32 samples (T, C)."""
        with self._lock:
            self._waiting_TC = np.concatenate([self._waiting_TC, block_TC])

    def take(self, num_samples: int) -> Block:
        """The next of them; what is played is never ahead of them."""
        with self._lock:
            assert num_samples <= len(self._waiting_TC)
            taken_TC = self._waiting_TC[:num_samples]
            self._waiting_TC = self._waiting_TC[num_samples:]
        return taken_TC


class MixedLevel:
    """Levels what is played, mixes the original in, and levels both; see `Level`.

    Args:
        played: of what is played alone.
        original: at the same rate.
        share: of the original, 0 … 1.
        both: of the mixture.
    """

    def __init__(self, played: Level, original: Queue, share: float, both: Level) -> None:
        self._played, self._original, self._share, self._both = played, original, share, both

    def push(self, block_TC: Block) -> Block:
        """Feed float32 (T, C), take what is ready."""
        return self._both.push(self._with_original(self._played.push(block_TC)))

    def finish(self) -> Block:
        """The rest."""
        rest = self._both.push(self._with_original(self._played.finish()))
        return np.concatenate([rest, self._both.finish()])

    def _with_original(self, played_TC: Block) -> Block:
        return _mix(played_TC, self._original.take(len(played_TC)), self._share)


def _mix(played_TC: Block, original_TC: Block, share: float) -> Block:
    return np.asarray((1 - share) * played_TC + share * original_TC, np.float32)
