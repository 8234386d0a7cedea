"""A file in memory, as metrics want it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umtcli.errors import UmtError
from umtcli.media import LoudnessMeter, Resampler, open_audio

Mono = NDArray[np.float32]
"""(T,), full scale ±1."""

ANALYSIS_RATE = 22_050
"""Hz; of chroma, mel spectra and onsets. Above 11 kHz music has neither notes nor onsets of
its own."""


@dataclass(frozen=True)
class Sound:
    """The mean of a file's channels, at its own sample rate."""

    wav: Mono
    sample_rate: int
    loudness_lufs: float
    """Integrated, of all channels (ITU-R BS.1770); -inf if nothing is louder than −70."""

    @cached_property
    def analysed(self) -> Mono:
        """The same at `ANALYSIS_RATE`."""
        return resample(self.wav, self.sample_rate, ANALYSIS_RATE)


def load_sound(path: Path) -> Sound:
    """Read any audio file.

    Raises:
        DecodeError: the file is missing, broken, or not audio.
        UmtError: it holds no samples.
    """
    with open_audio(path) as reader:
        meter = LoudnessMeter(reader.sample_rate, reader.num_channels)
        parts = [np.zeros(0, np.float32)]
        for block_TC in reader:
            meter.push(block_TC)
            parts.append(block_TC.mean(axis=1))
        wav = np.concatenate(parts)
        if not len(wav):
            raise UmtError(f"{path} holds no audio: there is nothing to score.")
        return Sound(wav, reader.sample_rate, meter.integrated_lufs())


def resample(wav: Mono, rate_in: int, rate_out: int) -> Mono:
    """(T,) → (round(T · rate_out / rate_in),)."""
    resampler = Resampler(rate_in, rate_out, 1)
    return np.concatenate([resampler.push(wav[:, None]), resampler.finish()])[:, 0]
