"""The heart: one input, heard once, played by every decoder that was asked for.

    reader ─▶ block ─┬─▶ loudness
                     ├─▶ ear (latent space 1) ─┬─▶ lane (piano)   ─▶ sink
                     │                         └─▶ lane (strings) ─▶ sink
                     └─▶ ear (latent space 2) ───▶ lane (bach)    ─▶ sink

While a block is played, the next one is heard, and the one after it read. Nothing is kept
longer than the networks look ahead, so memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from umtcli.domain import Encoder
from umtcli.errors import UmtError
from umtcli.media import AudioReader, LoudnessMeter
from umtcli.pipeline.ear import Ear, Heard
from umtcli.pipeline.lane import Lane
from umtcli.pipeline.machines import blame


@dataclass
class Part:
    """One output on its way: what hears for it, what plays it, and whether it still works."""

    name: str
    """Of the domain or mix, for messages."""
    encoder: Encoder
    lane: Lane
    plays_mid: bool
    error: UmtError | None = None


Hear = Callable[[Ear], Heard]
Play = Callable[[Lane, Heard, int], None]


class Translation:
    """One input on its way to all its outputs; a part that fails leaves the others be."""

    def __init__(
        self,
        parts: Sequence[Part],
        sample_rate: int,
        num_channels: int,
        pool: Executor,
        *,
        overlap: bool,
    ) -> None:
        """Start.

        Args:
            parts: at least one.
            sample_rate: of the input, in Hz.
            num_channels: of the input, 1 or 2.
            pool: where hearing and playing happen.
            overlap: whether `push` may return before its block is heard and played.
        """
        self.num_heard = 0
        """Samples of the input so far."""
        self._parts = parts
        self._pool = pool
        self._overlap = overlap
        self._hearing: list[tuple[Sequence[Part], Future[Heard], Play, int]] = []
        self._playing: list[tuple[Part, Future[None]]] = []
        # equal encoders are one object, see Machines
        by_encoder: dict[int, list[Part]] = {}
        for part in parts:
            by_encoder.setdefault(id(part.encoder), []).append(part)
        opened = [
            (_open_ear(group, sample_rate, num_channels), group) for group in by_encoder.values()
        ]
        self._ears = [(ear, group) for ear, group in opened if ear is not None]

    @property
    def alive(self) -> bool:
        """False once every part failed."""
        return any(part.error is None for part in self._parts)

    def push(self, block_TC: NDArray[np.float32]) -> None:
        """Translate the next block, float32 (T, C)."""
        self._step(
            lambda ear: ear.push(block_TC),
            lambda lane, heard, num_heard: lane.push(heard, num_heard),
            len(block_TC),
        )

    def finish(self) -> None:
        """Translate the end."""
        self._step(
            lambda ear: ear.finish(),
            lambda lane, heard, num_heard: lane.finish(heard, num_heard),
        )
        self._pass_on()
        self._settle()

    def _step(self, hear: Hear, play: Play, num_samples: int = 0) -> None:
        """Hear a block while the one before it is played and, with luck, the next is read.

        reader   │ block 2 │ block 3 │ block 4 │
        ears     │ block 1 │ block 2 │ block 3 │
        lanes              │ block 1 │ block 2 │ …
        """
        self._pass_on()
        self.num_heard += num_samples
        self._hearing = [
            (group, self._pool.submit(_inferred, hear, ear), play, self.num_heard)
            for ear, group in self._ears
            if any(part.error is None for part in group)
        ]
        if not self._overlap:
            self._pass_on()
            self._settle()

    def _pass_on(self) -> None:
        """Wait for what is being heard, and let it be played."""
        self._settle()
        for group, future, play, num_heard in self._hearing:
            working = [part for part in group if part.error is None]
            try:
                heard = future.result()
            except Exception as e:
                _fail(working, e)
                continue
            for part in working:
                playing = self._pool.submit(_inferred, play, part.lane, heard, num_heard)
                self._playing.append((part, playing))
        self._hearing.clear()

    def _settle(self) -> None:
        """Wait until everything heard so far is played; a part that failed ends here."""
        for part, playing in self._playing:
            error = playing.exception()
            if isinstance(error, Exception):
                part.error = blame(error, f"Playing {part.name}")
            elif error:
                raise error  # an interruption is nobody's failure
        self._playing.clear()


def translate(
    reader: AudioReader,
    parts: Sequence[Part],
    meter: LoudnessMeter,
    advanced: Callable[[float], None],
    *,
    overlap: bool = True,
) -> int:
    """Run one input through all its parts; errors of a part stay in the part.

    Args:
        reader: the input, just opened.
        parts: its outputs.
        meter: measures the input as it goes by, always ahead of the sinks.
        advanced: told the seconds of input done, after every block.
        overlap: whether the next block is heard while one is played: two networks run at
            a time, and the meter may be two blocks ahead of the sinks. Not for sinks that
            look at it as they go; without it, one network runs at a time.

    Returns:
        The number of input samples heard.

    Raises:
        DecodeError: the input broke off.
    """
    # no more networks at a time than the caller counted on when it shared out the cores
    with ThreadPoolExecutor(2 if overlap else 1, "umt") as pool:
        try:
            translation = Translation(
                parts, reader.sample_rate, reader.num_channels, pool, overlap=overlap
            )
            for block_TC in reader:
                meter.push(block_TC)
                translation.push(block_TC)
                advanced(translation.num_heard / reader.sample_rate)
                if not translation.alive:
                    return translation.num_heard
            translation.finish()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what waits would be for nothing
            raise
    return translation.num_heard


Returned = TypeVar("Returned")


def _inferred(step: Callable[..., Returned], *arguments: object) -> Returned:
    # inference mode belongs to a thread
    with torch.inference_mode():
        return step(*arguments)


def _open_ear(group: Sequence[Part], sample_rate: int, num_channels: int) -> Ear | None:
    """The ear of parts that share an encoder; None if it failed, which ends these parts."""
    mid = [part.plays_mid for part in group]
    try:
        return Ear(group[0].encoder, sample_rate, num_channels, sides=not all(mid), mid=any(mid))
    except Exception as e:
        _fail(group, e)
        return None


def _fail(parts: Sequence[Part], error: Exception) -> None:
    for part in parts:
        part.error = blame(error, "Encoding")
