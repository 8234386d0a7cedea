"""What a recording is like, found in one pass and without keeping it.

T samples, C channels.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from umtcli.errors import DecodeError
from umtcli.media import AudioReader, Resampler, open_audio

Array = np.ndarray[Any, Any]
Advance = Callable[[float], None]
"""Told, block by block, how many more seconds were read; it may raise to end the work."""

WINDOW_S = 0.05
"""Silence and clipping are judged in windows of this length."""
QUIET_DB = -40.0
"""A window is silent when it is this far below the recording's loud ones …"""
SILENCE_DBFS = -70.0
"""… or below this, however soft the recording."""
FULL_SCALE = 0.98
"""Flat tops up here are clipping."""
FLAT_SAMPLES = 3


@dataclass(frozen=True)
class Survey:
    """The facts about a recording, as mono at the rate it will have."""

    num_samples: int
    rms: float
    peak: float
    sounding_s: float
    """How long it is not silent."""
    clipped_share: float
    """Of the sounding time, how much has flat tops at full scale: 0 … 1."""
    warning: str | None
    """If it could be read only in part: why."""


def survey(path: Path, sample_rate: int, advance: Advance) -> Survey:
    """Read a recording once.

    Args:
        path: of any format.
        sample_rate: it is judged at (Hz).
        advance: told how far it is.

    Raises:
        DecodeError: it is not audio, or holds infinite numbers.
    """
    num_samples, energy, peak = 0, 0.0, 0.0
    levels, clipped = array("f"), array("b")
    with open_audio(path) as reader:
        window = max(1, round(WINDOW_S * reader.sample_rate))
        for block_TC, wav_T in mono_blocks(reader, sample_rate):
            advance(len(block_TC) / reader.sample_rate)
            if not np.isfinite(block_TC).all():
                raise DecodeError(f"Cannot use {path}: it holds infinite numbers. Export it again.")
            if len(wav_T):
                num_samples += len(wav_T)
                energy += float(np.square(wav_T, dtype=np.float64).sum())
                peak = max(peak, float(np.abs(wav_T).max()))
            windows = block_TC[: len(block_TC) // window * window]
            windows = windows.reshape(-1, window, block_TC.shape[1])
            levels.extend(np.square(windows.mean(axis=2)).mean(axis=1))
            clipped.extend(_has_flat_tops(windows).astype(np.int8))
        warning = reader.warning
    sounding = _sounding(np.array(levels))
    clipped_share = float(np.array(clipped, bool)[sounding].mean()) if sounding.any() else 0.0
    return Survey(
        num_samples=num_samples,
        rms=math.sqrt(energy / num_samples) if num_samples else 0.0,
        peak=peak,
        sounding_s=float(sounding.sum()) * WINDOW_S,
        clipped_share=clipped_share,
        warning=warning,
    )


def mono_blocks(reader: AudioReader, sample_rate: int) -> Iterator[tuple[Array, Array]]:
    """Blocks as they were read, (T, C), and as mono at another rate, (T',)."""
    resampler = Resampler(reader.sample_rate, sample_rate, 1)
    for block_TC in reader:
        yield block_TC, resampler.push(block_TC.mean(axis=1, keepdims=True))[:, 0]
    yield np.zeros((0, 1), np.float32), resampler.finish()[:, 0]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as f:
        while block := f.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _sounding(power: Array) -> Array:
    """Which windows are not silent, from their mean squares."""
    if not len(power):
        return np.zeros(0, bool)
    level_db = 10 * np.log10(power.astype(np.float64) + 1e-20)
    return np.asarray(level_db > max(SILENCE_DBFS, np.percentile(level_db, 95) + QUIET_DB))


def _has_flat_tops(windows: Array) -> Array:
    """Which windows, (N, T, C), hold equal samples in a row at full scale."""
    hot = np.abs(windows) >= FULL_SCALE
    flat = hot[:, 1:] & (windows[:, 1:] == windows[:, :-1])
    run = flat[:, : flat.shape[1] - FLAT_SAMPLES + 2]
    for k in range(1, FLAT_SAMPLES - 1):
        run = run & flat[:, k : k + run.shape[1]]
    return np.asarray(run.any(axis=(1, 2)))
