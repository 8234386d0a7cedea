"""Training audio in memory, and the examples drawn from it.

Every draw is keyed by (seed, number of the example): a run that is resumed, or shared by
more processes, sees the same examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from umtcli.errors import TrainingError
from umtcli.learning import Batch
from umtcli.media import Resampler, open_audio

Array = np.ndarray[Any, Any]
TRAINING_RMS = 0.08


@dataclass(frozen=True)
class Recording:
    """One file: mono audio, and its notes where a score is known.

    Attributes:
        wav: int16 (T,), a quarter of the memory of what it becomes.
        notes: float64 (N, 4) start_s, end_s, MIDI pitch, level_db; sorted by start.
        latents: float16 (C, F) of a frozen encoder, one array per hearing of the file.
    """

    wav: Array
    notes: Array | None = None
    latents: tuple[Array, ...] = ()

    def crop(self, first: int, length: int, sample_rate: int) -> tuple[Tensor, Array]:
        """`length` samples from `first` as float32, and the notes that sound in them."""
        wav = torch.from_numpy(self.wav[first : first + length].astype(np.float32) / 32768)
        notes = self.notes if self.notes is not None else np.zeros((0, 4))
        moved = notes - np.array([first / sample_rate, first / sample_rate, 0, 0])
        return wav, moved[(moved[:, 1] > 0) & (moved[:, 0] < length / sample_rate)]


def load_recording(path: Path, sample_rate: int, notes: Array | None = None) -> Recording:
    """Read a file as mono at a sample rate, at the level training wants.

    Raises:
        DecodeError: the file is not audio.
        TrainingError: the file is silent.
    """
    blocks = []
    with open_audio(path) as reader:
        resampler = Resampler(reader.sample_rate, sample_rate, 1)
        blocks = [resampler.push(block.mean(axis=1, keepdims=True)) for block in reader]
        blocks.append(resampler.finish())
    wav = np.concatenate(blocks)[:, 0]
    rms = float(np.sqrt(np.mean(np.square(wav, dtype=np.float64))))
    if rms < 1e-5:
        raise TrainingError(f"{path} is silent; leave it out.")
    scaled = np.clip(wav * (TRAINING_RMS / rms) * 32768, -32768, 32767)
    return Recording(scaled.astype(np.int16), notes)


def draw(recordings: Sequence[Recording], seed: int, number: int, length: int) -> tuple[int, int]:
    """Which recording, and from which sample, example `number` is cut.

    Recordings are drawn by their length, so that every second of music is as likely.
    """
    random = np.random.default_rng((seed, number, 1))
    room = np.array([max(0, len(r.wav) - length) for r in recordings], dtype=np.float64)
    if not room.any():
        raise TrainingError(f"No recording is as long as an example ({length} samples).")
    which = int(random.choice(len(recordings), p=room / room.sum()))
    return which, int(random.integers(int(room[which])))


def draw_batch(
    recordings: Sequence[Recording], seed: int, index: int, size: int, length: int, sample_rate: int
) -> Batch:
    """Examples `index` … `index + size − 1`: (size, length) samples and their notes."""
    crops = []
    for number in range(index, index + size):
        which, first = draw(recordings, seed, number, length)
        crops.append(recordings[which].crop(first, length, sample_rate))
    return Batch(torch.stack([wav for wav, _ in crops]), index, tuple(notes for _, notes in crops))
