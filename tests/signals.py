"""Known signals for tests, and what is measured on them. Float32 (T, C), full scale ±1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from umtcli.media import LoudnessMeter, TruePeak

Wave = NDArray[np.float32]


def noise(duration_s: float, rate: int = 44_100, channels: int = 2, level: float = 0.05) -> Wave:
    """White noise, another in each channel, the same each time."""
    shape = (round(duration_s * rate), channels)
    return np.asarray(level * np.random.default_rng(1).standard_normal(shape), np.float32)


def silence(duration_s: float, rate: int = 44_100, channels: int = 2) -> Wave:
    """Nothing."""
    return np.zeros((round(duration_s * rate), channels), np.float32)


def write(path: Path, wave: Wave, rate: int = 44_100) -> Path:
    """Write a wave as the suffix says, exactly where the format can."""
    subtype = "FLOAT" if path.suffix == ".wav" else None
    soundfile.write(path, wave, rate, subtype=subtype)
    return path


def read(path: Path) -> tuple[Wave, int]:
    """Read a wave with its rate."""
    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return wave, rate


def power_db(wave: Wave) -> NDArray[np.float64]:
    """Mean square of each channel, in dB."""
    return np.asarray(10 * np.log10(np.square(wave, dtype=np.float64).mean(axis=0) + 1e-20))


def octaves(wave: Wave, rate: int, lowest_hz: float = 88.4) -> NDArray[np.float64]:
    """Power of each channel in each octave up to half the rate, in dB: (octaves, C)."""
    power = np.square(np.abs(np.fft.rfft(wave.astype(np.float64), axis=0)))
    frequency = np.fft.rfftfreq(len(wave), 1 / rate)
    bands = []
    low = lowest_hz
    while 2 * low <= rate / 2:
        bands.append(power[(frequency >= low) & (frequency < 2 * low)].sum(axis=0))
        low *= 2
    return np.asarray(10 * np.log10(np.stack(bands) + 1e-20))


def lufs(wave: Wave, rate: int) -> float:
    """Integrated loudness."""
    meter = LoudnessMeter(rate, wave.shape[1])
    meter.push(wave)
    return meter.integrated_lufs()


def peak_dbtp(wave: Wave, rate: int) -> float:
    """True peak of all channels."""
    meter = TruePeak(rate, wave.shape[1])
    meter.push(wave)
    return meter.dbtp()
