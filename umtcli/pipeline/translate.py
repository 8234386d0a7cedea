"""The heart: one input, heard once, played by every decoder that was asked for.

    reader ─▶ block ─┬─▶ loudness
                     ├─▶ ear (latent space 1) ─┬─▶ lane (piano)   ─▶ sink
                     │                         └─▶ lane (strings) ─▶ sink
                     └─▶ ear (latent space 2) ───▶ lane (bach)    ─▶ sink

Nothing is kept longer than the networks look ahead, so memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

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
    """Of the domain, for messages."""
    encoder: Encoder
    lane: Lane
    plays_mid: bool
    error: UmtError | None = None

    def attempt(self, step: Callable[[], None]) -> None:
        """Take a step; if it fails, the part ends here and the others go on."""
        try:
            step()
        except Exception as e:
            self.error = blame(e, f"Playing {self.name}")


class Translation:
    """One input on its way to all its outputs; a part that fails leaves the others be."""

    def __init__(self, parts: Sequence[Part], sample_rate: int, num_channels: int) -> None:
        """Start.

        Args:
            parts: at least one.
            sample_rate: of the input, in Hz.
            num_channels: of the input, 1 or 2.
        """
        self.num_heard = 0
        """Samples of the input so far."""
        self._parts = parts
        # equal encoders are one object, see Machines
        by_encoder: dict[int, list[Part]] = {}
        for part in parts:
            by_encoder.setdefault(id(part.encoder), []).append(part)
        self._ears = [
            (_open_ear(group, sample_rate, num_channels), group) for group in by_encoder.values()
        ]

    @property
    def alive(self) -> bool:
        """False once every part failed."""
        return any(part.error is None for part in self._parts)

    def push(self, block_TC: NDArray[np.float32]) -> None:
        """Translate the next block, float32 (T, C)."""
        self.num_heard += len(block_TC)
        for ear, group in self._ears:
            self._pass_on(group, partial(ear.push, block_TC), Lane.push)

    def finish(self) -> None:
        """Translate the end."""
        for ear, group in self._ears:
            self._pass_on(group, ear.finish, Lane.finish)

    def _pass_on(
        self,
        group: Sequence[Part],
        hear: Callable[[], Heard],
        play: Callable[[Lane, Heard, int], None],
    ) -> None:
        """Encode once, decode for each part that still works."""
        working = [part for part in group if part.error is None]
        if not working:
            return
        try:
            heard = hear()
        except Exception as e:
            for part in working:
                part.error = blame(e, "Encoding")
            return
        for part in working:
            part.attempt(partial(play, part.lane, heard, self.num_heard))


@torch.inference_mode()
def translate(
    reader: AudioReader,
    parts: Sequence[Part],
    meter: LoudnessMeter,
    advanced: Callable[[float], None],
) -> int:
    """Run one input through all its parts; errors of a part stay in the part.

    Args:
        reader: the input, just opened.
        parts: its outputs.
        meter: measures the input as it goes by, always ahead of the sinks.
        advanced: told the seconds of input done, after every block.

    Returns:
        The number of input samples heard.

    Raises:
        DecodeError: the input broke off.
    """
    translation = Translation(parts, reader.sample_rate, reader.num_channels)
    for block_TC in reader:
        meter.push(block_TC)
        translation.push(block_TC)
        advanced(translation.num_heard / reader.sample_rate)
        if not translation.alive:
            return translation.num_heard
    translation.finish()
    return translation.num_heard


def _open_ear(group: Sequence[Part], sample_rate: int, num_channels: int) -> Ear:
    mid = [part.plays_mid for part in group]
    return Ear(group[0].encoder, sample_rate, num_channels, sides=not all(mid), mid=any(mid))
