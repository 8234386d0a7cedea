"""Shards: one recording as a zip file of short FLAC files, read from anywhere at once.

A crop costs one or two reads of some 100 kB and a few milliseconds to decode, on a local
disk as on a shared filesystem; zip brings the index and a checksum for each chunk.

T samples.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from umtcli.errors import TrainingError
from umtcli.whole import whole_file

Array = np.ndarray[Any, Any]

CHUNK_S = 4.0
"""Length of each FLAC file in a shard."""
OPEN_SHARDS = 64
"""How many files are kept open for reading."""
FACTS = "recording.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same audio makes the same bytes


def write_shard(
    path: Path, blocks: Iterable[Array], sample_rate: int, facts: Mapping[str, Any]
) -> None:
    """Write a shard; the file appears whole or not at all.

    Args:
        path: of the zip file.
        blocks: int16 (T,), of any lengths.
        sample_rate: of the audio (Hz).
        facts: about the recording, as plain JSON; `read_facts` gives them back.

    Raises:
        TrainingError: the file cannot be written.
    """
    try:
        with whole_file(path) as f, zipfile.ZipFile(f, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_member(FACTS), json.dumps(dict(facts)))
            for number, chunk_T in enumerate(_chunks(blocks, chunk_samples(sample_rate))):
                archive.writestr(_member(_chunk_name(number)), _flac(chunk_T, sample_rate))
        _opened.cache_clear()
    except OSError as e:
        raise TrainingError(
            f"Cannot write {path}: {e.strerror}. What was finished is kept: make room and run "
            "the same command again."
        ) from e


def read_facts(path: Path) -> dict[str, Any] | None:
    """What a shard says of its recording; None if it is no whole shard."""
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read(FACTS))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


class ShardedWave:
    """A stretch of a recording as if it were an int16 array of (T,): slices are read.

    Args:
        path: the shard.
        first: where in the recording the stretch begins (samples).
        num_samples: T.
        sample_rate: of the audio (Hz).
    """

    def __init__(self, path: Path, first: int, num_samples: int, sample_rate: int) -> None:
        self._path = path
        self._first = first
        self._num_samples = num_samples
        self._chunk_samples = chunk_samples(sample_rate)

    def __len__(self) -> int:
        return self._num_samples

    def __getitem__(self, part: slice) -> Array:
        """Samples `a:b`; what lies beyond the end is not there, as with arrays.

        Raises:
            TrainingError: the shard is damaged.
        """
        start, stop, step = part.indices(self._num_samples)
        assert step == 1
        start, stop = self._first + start, self._first + max(start, stop)
        size = self._chunk_samples
        chunks = [self._chunk(number) for number in range(start // size, -(-stop // size))]
        if not chunks:
            return np.zeros(0, np.int16)
        skipped = start // size * size
        wav_T = np.concatenate(chunks)[start - skipped : stop - skipped]
        if len(wav_T) != stop - start:
            raise _damaged(self._path, "it is shorter than its manifest says")
        return wav_T

    def _chunk(self, number: int) -> Array:
        try:
            data = _opened(self._path).read(_chunk_name(number))
            wav_T, _ = soundfile.read(io.BytesIO(data), dtype="int16")
        except (OSError, zipfile.BadZipFile, KeyError, soundfile.LibsndfileError) as e:
            raise _damaged(self._path, str(e).strip("'")) from e
        return np.asarray(wav_T)


def chunk_samples(sample_rate: int) -> int:
    """Samples in every chunk but the last."""
    return round(CHUNK_S * sample_rate)


@lru_cache(OPEN_SHARDS)
def _opened(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _chunks(blocks: Iterable[Array], size: int) -> Iterable[Array]:
    """The same samples in chunks of `size`, the last one shorter."""
    waiting = np.zeros(0, np.int16)
    for block in blocks:
        waiting = np.concatenate([waiting, block])
        while len(waiting) >= size:
            yield waiting[:size]
            waiting = waiting[size:]
    if len(waiting):
        yield waiting


def _flac(wav_T: Array, sample_rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wav_T, sample_rate, format="FLAC", subtype="PCM_16")
    return file.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _EPOCH)


def _chunk_name(number: int) -> str:
    return f"{number:06d}.flac"


def _damaged(path: Path, reason: str) -> TrainingError:
    return TrainingError(
        f"The shard {path} is damaged: {reason}. Delete it and run umt prepare again."
    )
