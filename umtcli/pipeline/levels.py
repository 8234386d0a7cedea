"""Matching a file's loudness: spool the output, then write it with one gain.

played ─▶ resampled ─▶ loudness and peak ─▶ spool (float32, unnamed file)
                                                │ × one gain
                                                ▼
                                             writer
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umtcli.errors import EncodeError, cannot_write
from umtcli.media import AudioWriter, LoudnessMeter, TruePeak

CEILING_DBTP = -1.0
"""No output peaks above this, in dB true peak."""
SHORTEST_S = 0.4
"""One gating block of BS.1770; what is shorter has no loudness."""
READ_SAMPLES = 1 << 17


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


class Spool:
    """What was played so far, on disk, with its loudness and peak; gone when closed."""

    def __init__(self, folder: Path, sample_rate: int, num_channels: int) -> None:
        """Open the unnamed file.

        Args:
            folder: where the output will be; it has room for the output, `/tmp` may not.
            sample_rate: in Hz.
            num_channels: 1 or 2.

        Raises:
            EncodeError: nothing can be written there.
        """
        self._folder = folder
        self._num_channels = num_channels
        self.num_samples = 0
        self.meter = LoudnessMeter(sample_rate, num_channels)
        self.peak = TruePeak(sample_rate, num_channels)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see close
        except OSError as e:
            raise EncodeError(cannot_write(f"to {folder}", e)) from e

    def write(self, block_TC: NDArray[np.float32]) -> None:
        """Append float32 samples (T, C).

        Raises:
            EncodeError: the disk is full.
        """
        self.meter.push(block_TC)
        self.peak.push(block_TC)
        self.num_samples += len(block_TC)
        try:
            self._file.write(np.ascontiguousarray(block_TC).data)
        except OSError as e:
            raise EncodeError(cannot_write(f"to {self._folder}", e)) from e

    def deliver(self, writer: AudioWriter, gain_db: float) -> None:
        """Write everything with one gain."""
        gain = np.float32(10 ** (gain_db / 20))
        for block_TC in self._blocks():
            writer.write(block_TC * gain)

    def close(self) -> None:
        """Forget it all; the file has no name and vanishes with this."""
        self._file.close()

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        self._file.seek(0)
        while data := self._file.read(READ_SAMPLES * 4 * self._num_channels):
            yield np.frombuffer(data, np.float32).reshape(-1, self._num_channels)
