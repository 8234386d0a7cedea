"""Writes PCM files in this process, with libsndfile: a clip costs no ffmpeg to start."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from pathlib import Path
from types import ModuleType

from umtcli.errors import MediaError
from umtcli.media.backend import BackendError, Encoding, Stored
from umtcli.media.heads import LAYOUTS, Body
from umtcli.media.tags import writable_tags

_CONTAINERS = {"rf64": "WAV"}  # `heads` makes RF64 of a wav
_SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}
_HEAD_BYTES = 1 << 14
"""No head of libsndfile's is longer, the filler apart."""


def stores(encoding: Encoding) -> bool:
    """Whether `SoundfileBackend` writes such a file, with all the tags that it can hold."""
    layout = LAYOUTS.get(encoding.format.name)
    if layout is None or layout.room(writable_tags(encoding.tags)) is None:
        return False
    rate = encoding.sample_rate
    if encoding.format.name == "flac":  # others are for ffmpeg to do or to refuse
        return rate < 1 << 16 or (rate % 10 == 0 and rate <= 655_350)
    return True


class SoundfileBackend:
    """A PCM file that libsndfile writes, but for its head: see `heads`.

    Args:
        path: of the file.
        encoding: what to make, which `stores` must have said yes to.

    Raises:
        MediaError: there is no libsndfile.
        BackendError: the file cannot be written.
    """

    def __init__(self, path: Path, encoding: Encoding) -> None:
        output = encoding.format
        self._soundfile = _libsndfile()
        self._path = path
        self._tags = writable_tags(encoding.tags)
        self._layout = LAYOUTS[output.name]
        self._bytes_per_sample = encoding.num_channels * encoding.bits // 8
        self._num_samples = 0
        room = self._layout.room(self._tags)
        assert room is not None
        self._room = room
        try:
            self._sound = self._soundfile.SoundFile(
                self._name(),
                "w",
                samplerate=encoding.sample_rate,
                channels=encoding.num_channels,
                subtype=_SUBTYPES[encoding.bits],
                endian="LITTLE" if output.codec == "pcm_le" else "FILE",
                format=_CONTAINERS.get(output.name, output.name.upper()),
            )
            if room:
                self._sound.comment = "~" * room
        except self._soundfile.SoundFileError as e:
            raise self._failed(e) from e

    def write(self, stored: Stored) -> None:
        """Append samples; libsndfile stores integers as they are."""
        try:
            self._sound.write(stored)
        except self._soundfile.SoundFileError as e:
            raise self._failed(e) from e
        self._num_samples += len(stored)

    def finish(self) -> None:
        """Close the file, lay its head, and see whether all samples are there."""
        try:
            self._sound.close()
            self._lay_head()
            num_stored = self._soundfile.info(self._name()).frames
        # libsndfile keeps silent about a failure of its last writes; a head may end anywhere
        except (self._soundfile.SoundFileError, OSError, IndexError, struct.error) as e:
            raise self._failed(e) from e
        if num_stored != self._num_samples:
            raise self._failed()

    def abort(self) -> None:
        """Close the file as it is."""
        with contextlib.suppress(self._soundfile.SoundFileError):
            self._sound.close()

    def _lay_head(self) -> None:
        with self._path.open("r+b") as file:
            body = Body(
                num_samples=self._num_samples,
                num_bytes=self._num_samples * self._bytes_per_sample,
                file_bytes=file.seek(0, os.SEEK_END),
            )
            file.seek(0)
            head = self._layout.lay(file.read(_HEAD_BYTES + self._room), self._tags, body)
            file.seek(0)
            file.write(head)

    def _failed(self, error: Exception | None = None) -> BackendError:
        """The error that tells why: libsndfile says no more than "System error".

        So the same is tried again, without it.
        """
        try:
            with self._path.open("ab", buffering=0) as file:
                left = 1 << 16
                while left:
                    left -= file.write(bytes(left))
        except OSError as e:
            return BackendError(e.strerror or str(e))
        return BackendError(str(error or "libsndfile failed").rstrip("."))

    def _name(self) -> str | bytes:
        """The path as soundfile takes it; as text it must be valid Unicode but on Windows."""
        return str(self._path) if sys.platform == "win32" else os.fsencode(self._path)


def _libsndfile() -> ModuleType:
    try:
        import soundfile
    except OSError as e:
        raise MediaError(f"Cannot load libsndfile: {e}. Install soundfile again.") from e
    library: ModuleType = soundfile  # which has no annotations
    return library
