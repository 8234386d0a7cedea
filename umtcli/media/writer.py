"""Writes audio in any format, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from umtcli.errors import EncodeError, ReaderGone, cannot_write
from umtcli.media.backend import Backend, BackendError, Encoding
from umtcli.media.decode import shown
from umtcli.media.encode import FfmpegBackend
from umtcli.media.formats import find_format
from umtcli.media.pcm import SoundfileBackend, stores
from umtcli.media.pending import PendingFile
from umtcli.media.quantise import quantise

Bits = Literal[16, 24, 32]


class AudioWriter:
    """Encodes float32 (T, C) blocks into a file or a stream.

    PCM files (wav, rf64, aiff, au, caf, flac) are written by libsndfile in this process;
    ffmpeg writes everything else, and these if their tags or sample rate ask for it.

    A file appears under its name only when `close` has written all of it; until then it
    has a temporary name in the same folder. As a context manager, an exception aborts.

    Decoders trim compressed files to the length of the samples, with three exceptions:
    aac, and mp3 and m4a written to a stream, which have no place for their padding.

    The bytes depend on the samples, the arguments and the versions of ffmpeg and
    libsndfile, not on how the samples were cut into blocks nor on the day.
    """

    def __init__(
        self,
        path: Path | BinaryIO,
        *,
        sample_rate: int,
        num_channels: int,
        format: str | None = None,  # noqa: A002 - the word users know
        bits: Bits = 16,
        tags: Mapping[str, str] | None = None,
        seed: int = 0,
        pending: PendingFile | None = None,
    ) -> None:
        """Start the encoder; nothing is visible at `path` yet.

        Args:
            path: where to; an existing file is replaced on `close`. A binary file object
                is written as the samples come, and neither closed nor taken back.
            sample_rate: of the blocks (Hz). A format that cannot store it gets the
                nearest that it can, resampled by ffmpeg.
            num_channels: C of the blocks.
            format: one of `supported_formats()`; by default that of the suffix, and wav
                for a file object. A wav file beyond 4 GB is rf64.
            bits: 16 (dithered), 24 or 32 (float) for PCM; flac and alac have no float.
                Lossy formats are encoded from float, whatever `bits`.
            tags: title, artist, …: as many as the container can hold.
            seed: of the dither.
            pending: what `claim_file` made for `path`; None: it is claimed here.

        Raises:
            EncodeError: the format is unknown, or nothing can be written there.
        """
        self.num_samples = 0
        self._piped = not isinstance(path, Path)
        self._name = shown(path) if isinstance(path, Path) else "standard output"
        suffix = path.suffix if isinstance(path, Path) else "wav"
        self.format = find_format(suffix if format is None else format, self._name)
        self._bits = 32 if self.format.is_lossy else bits
        self._bytes_per_sample = num_channels * self._bits // 8
        self._num_channels = num_channels
        self._seed = seed
        self._done = False
        if self._bits == 32 and self.format.codec in ("flac", "alac"):
            raise self._error(f"{self.format.name} stores no float", "Choose 16 or 24 bits.")
        if not isinstance(path, Path) and self.format.to_pipe is None:
            raise self._error(f"{self.format.name} cannot be streamed", "Choose wav, caf or flac.")
        self._pending = pending or (self._claim(path) if isinstance(path, Path) else None)
        try:
            self._backend = self._open_backend(
                path if self._pending is None else self._pending.path,
                Encoding(self.format, sample_rate, num_channels, self._bits, tags or {}),
            )
        except BaseException:
            self._discard()
            raise

    def write(self, block: npt.NDArray[np.float32]) -> None:
        """Append samples.

        Args:
            block: float32 (T, C), full scale ±1; what exceeds it is clipped in PCM.

        Raises:
            EncodeError: the output cannot grow, or a sample is not a number. The writer
                is aborted then.
        """
        if block.ndim != 2 or block.shape[1] != self._num_channels:
            raise ValueError(f"a block is (T, {self._num_channels}), not {block.shape}")
        if not np.isfinite(block).all():
            self.abort()
            raise self._error("there are samples that are not numbers", "Please report it.")
        end_bytes = (self.num_samples + len(block)) * self._bytes_per_sample
        if self.format.max_bytes is not None and end_bytes > self.format.max_bytes:
            self.abort()
            raise self._error(f"{self.format.name} ends at 4 GB", "Choose wav, caf or flac.")
        stored = quantise(block, self._bits, seed=self._seed, start_sample=self.num_samples)
        try:
            self._backend.write(stored)
        except BackendError as e:
            self.abort()
            raise self._refused(str(e)) from e
        self.num_samples += len(block)

    def close(self) -> None:
        """Finish: the file is complete, on disk, and under its name. May be called twice.

        Raises:
            EncodeError: it could not be completed; nothing is left of it.
        """
        if self._done:
            return
        if self.num_samples == 0:
            self.abort()
            raise self._error("there are no samples to write", "Is the input empty, or too short?")
        try:
            self._backend.finish()
        except BackendError as e:
            self.abort()
            raise self._refused(str(e)) from e
        self._done = True
        if self._pending is not None:
            try:
                self._pending.commit()
            except OSError as e:
                raise self._refused(e.strerror or str(e)) from e

    def abort(self) -> None:
        """Give up: nothing is left of the file. Does nothing after `close`."""
        if self._done:
            return
        self._done = True
        self._backend.abort()
        self._discard()

    def __enter__(self) -> AudioWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _claim(self, target: Path) -> PendingFile:
        try:
            return claim_file(target)
        except BlockingIOError as e:
            raise self._error("another run of umt is writing it", "Wait for its end.") from e

    def _open_backend(self, sink: Path | BinaryIO, encoding: Encoding) -> Backend:
        try:
            if isinstance(sink, Path) and stores(encoding):
                return SoundfileBackend(sink, encoding)
            return FfmpegBackend(sink, encoding)
        except BackendError as e:
            raise self._refused(str(e)) from e

    def _error(self, reason: str, advice: str) -> EncodeError:
        return EncodeError(f"Cannot write {self._name}: {reason}. {advice}")

    def _refused(self, reason: str) -> EncodeError:
        """By the system, or by ffmpeg, which quotes it."""
        gone = self._piped and "Broken pipe" in reason
        return (ReaderGone if gone else EncodeError)(cannot_write(self._name, reason))

    def _discard(self) -> None:
        if self._pending is not None:
            self._pending.discard()


def claim_file(target: Path, before_naming: Callable[[Path], None] = lambda _: None) -> PendingFile:
    """Make an empty file beside the target, which shows that one can write there.

    Args:
        target: a link stays one, what it leads to is written.
        before_naming: see `PendingFile`.

    Raises:
        BlockingIOError: somebody else is writing it.
        EncodeError: nothing can be written there.
    """
    target = target.resolve()
    name = shown(target)
    if target.exists() and not target.is_file():
        kind = "it is a folder" if target.is_dir() else "it is no regular file"
        raise EncodeError(f"Cannot write {name}: {kind}. Name a file, or - for standard output.")
    try:
        return PendingFile(target, before_naming)
    except BlockingIOError:
        raise
    except OSError as e:
        raise EncodeError(cannot_write(name, e)) from e
