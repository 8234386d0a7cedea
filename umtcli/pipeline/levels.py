"""Matching a file's loudness: spool the output, then write it with one gain.

played ─▶ resampled ─▶ loudness and peak ─▶ spool (float32, unnamed file)
                                                │ × one gain
                                                ▼
                                             writer
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umtcli.media import AudioWriter, LoudnessMeter, TruePeak
from umtcli.pipeline.tape import Tape

CEILING_DBTP = -1.0
"""No output peaks above this, in dB true peak."""
SHORTEST_S = 0.4
"""One gating block of BS.1770; what is shorter has no loudness."""


@dataclass(frozen=True)
class Gain:
    """The one gain of a file."""

    db: float
    limited: bool
    """True if the ceiling kept it below what equal loudness asks for."""


def match_loudness(
    heard_lufs: float, played_lufs: float, played_peak_dbtp: float, duration_s: float
) -> Gain:
    """The gain that makes an output as loud as its input, under the ceiling.

    Silence and clips shorter than one gating block have no loudness to match: 0 dB.

    >>> match_loudness(-20.0, -26.0, -12.0, duration_s=60.0)
    Gain(db=6.0, limited=False)
    >>> match_loudness(-10.0, -26.0, -12.0, duration_s=60.0)
    Gain(db=11.0, limited=True)
    """
    wanted = heard_lufs - played_lufs
    if duration_s < SHORTEST_S or not math.isfinite(wanted):
        wanted = 0.0
    allowed = CEILING_DBTP - played_peak_dbtp
    return Gain(min(wanted, allowed), limited=allowed < wanted)


class Spool(Tape):
    """What was played so far, with its loudness and peak."""

    def __init__(self, folder: Path, sample_rate: int, num_channels: int) -> None:
        """Open the unnamed file.

        Args:
            folder: see `Tape`.
            sample_rate: in Hz.
            num_channels: 1 or 2.

        Raises:
            EncodeError: nothing can be written there.
        """
        super().__init__(folder, num_channels)
        self.meter = LoudnessMeter(sample_rate, num_channels)
        self.peak = TruePeak(sample_rate, num_channels)

    def write(self, block_TC: NDArray[np.float32]) -> None:
        """Append float32 samples (T, C).

        Raises:
            EncodeError: the disk is full.
        """
        self.meter.push(block_TC)
        self.peak.push(block_TC)
        super().write(block_TC)

    def deliver(self, writer: AudioWriter, gain_db: float) -> None:
        """Write everything with one gain."""
        gain = np.float32(10 ** (gain_db / 20))
        for block_TC in self.blocks():
            writer.write(block_TC * gain)
