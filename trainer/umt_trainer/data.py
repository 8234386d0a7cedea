"""Training audio, in memory or in shards, and the examples drawn from it.

Every draw is keyed by (seed, number of the example): a run that is resumed, or shared by
more processes, sees the same examples.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from umtcli.errors import TrainingError
from umtcli.learning import Batch
from umtcli.media import Resampler, open_audio

Array = np.ndarray[Any, Any]
TRAINING_RMS = 0.08


class Samples(Protocol):
    """int16 (T,): an array, or what reads like one, such as audio on disk."""

    def __len__(self) -> int:
        """T."""

    def __getitem__(self, part: slice, /) -> Array:
        """Samples `a:b`."""


@dataclass(frozen=True)
class Recording:
    """One file: mono audio, and its notes where a score is known.

    Attributes:
        wav: int16 (T,), half the memory of what it becomes.
        notes: float64 (N, 4) start_s, end_s, MIDI pitch, level_db, in any order; None if
            no score is known.
        latents: float16 (C, F) of a frozen encoder, one array per hearing of the file.
        name: of the file.
        digest: tells its audio from any other's, where that is known without reading it.
    """

    wav: Samples
    notes: Array | None = None
    latents: tuple[Array, ...] = ()
    name: str = "recording"
    digest: str = ""

    def crop(self, first: int, length: int, sample_rate: int) -> tuple[Tensor, Array | None]:
        """`length` samples from `first` as float32, and the notes that sound in them."""
        wav = torch.from_numpy(self.wav[first : first + length].astype(np.float32) / 32768)
        if self.notes is None:
            return wav, None
        moved = self.notes - np.array([first / sample_rate, first / sample_rate, 0, 0])
        return wav, moved[(moved[:, 1] > 0) & (moved[:, 0] < length / sample_rate)]


def load_recording(path: Path, sample_rate: int, notes: Array | None = None) -> Recording:
    """Read a file as mono at a sample rate, at the level training wants.

    Music whose peaks stand far above its level stays softer than that: nothing is clipped.

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
    rms = float(np.sqrt(np.mean(np.square(wav, dtype=np.float64)))) if len(wav) else 0.0
    if rms < 1e-5:
        raise TrainingError(f"{path} is silent; leave it out.")
    gain = min(TRAINING_RMS / rms * 32768, 32767 / float(np.abs(wav).max()))
    return Recording(np.rint(wav * gain).astype(np.int16), notes, name=path.name)


def draw(
    recordings: Sequence[Recording], seed: int, number: int, length: int, cut: int = 1
) -> tuple[int, int]:
    """Which recording, and from which sample, example `number` is cut.

    Recordings are drawn by their length, so that every second of music is as likely. Cuts
    of another `cut` (1, 2, …) have nothing to do with these.
    """
    random = np.random.default_rng((seed, number, cut))
    room = np.array([max(0, len(r.wav) - length + 1) for r in recordings], dtype=np.float64)
    if not room.any():
        raise TrainingError(f"No recording is as long as an example ({length} samples).")
    which = int(random.choice(len(recordings), p=room / room.sum()))
    return which, int(random.integers(int(room[which])))


def draw_batch(
    recordings: Sequence[Recording],
    seed: int,
    index: int,
    size: int,
    length: int,
    sample_rate: int,
    *,
    with_others: bool = True,
) -> Batch:
    """Examples `index` … `index + size − 1`: (size, length) samples and their notes.

    Each has another cut beside it, in `others`, unless they are not wanted.
    """

    def cuts(cut: int, others: Batch | None = None) -> Batch:
        crops = []
        for number in range(index, index + size):
            which, first = draw(recordings, seed, number, length, cut)
            crops.append(recordings[which].crop(first, length, sample_rate))
        wavs, notes = zip(*crops, strict=True)
        return Batch(torch.stack(wavs), index, notes, others)

    return cuts(1, others=cuts(2) if with_others else None)


def fingerprint(recordings: Sequence[Recording]) -> str:
    """Tells whether a run's recordings are those it began with: names, lengths, contents."""
    digest = hashlib.sha256()
    for r in recordings:
        scored = b"" if r.notes is None else r.notes.tobytes()
        audio = r.digest or zlib.crc32(r.wav[:].tobytes())
        checks = audio, zlib.crc32(scored), len(r.latents)
        digest.update(repr((r.name, len(r.wav), *checks)).encode())
    return f"{len(recordings)} recordings, {digest.hexdigest()[:12]}"
