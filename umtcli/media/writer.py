"""Writes audio in any format, whole or not at all."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from umtcli.errors import EncodeError
from umtcli.media.decode import shown
from umtcli.media.ffmpeg import PIPE_OUT, encode_command, file_url
from umtcli.media.formats import find_format
from umtcli.media.process import FfmpegProcess
from umtcli.media.quantise import quantise

Bits = Literal[16, 24, 32]

_HINTS = {
    "No space left on device": "Free some space, or write elsewhere.",
    "File too large": "Raise the limit on file sizes (ulimit -f), or write elsewhere.",
    "No such file or directory": "Make the folder first.",
    "Permission denied": "Write to a folder of your own.",
    "Broken pipe": "The program that reads it has ended.",
}


class AudioWriter:
    """Encodes float32 (T, C) blocks into a file or a stream, through ffmpeg.

    A file appears under its name only when `close` has written all of it; until then it
    has a temporary name in the same folder. As a context manager, an exception aborts.

    Decoders trim compressed files to the length of the samples, with three exceptions:
    aac, and mp3 and m4a written to a stream, which have no place for their padding.

    The bytes depend on the samples, the arguments and ffmpeg's version, not on how the
    samples were cut into blocks nor on the day.
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
    ) -> None:
        """Start the encoder; nothing is visible at `path` yet.

        Args:
            path: where to; an existing file is replaced on `close`. A binary file object
                is written as the samples come, and neither closed nor taken back.
            sample_rate: of the blocks (Hz). A format that cannot store it gets the
                nearest that it can, resampled by ffmpeg.
            num_channels: C of the blocks.
            format: one of `supported_formats()`; by default that of the suffix, and wav
                for a file object.
            bits: 16 (dithered), 24 or 32 (float) for PCM; flac and alac have no float.
                Lossy formats are encoded from float, whatever `bits`.
            tags: title, artist, …: as many as the container can hold.
            seed: of the dither.

        Raises:
            EncodeError: the format is unknown, or nothing can be written there.
        """
        self.num_samples = 0
        self._sink = None if isinstance(path, Path) else path
        self._name = shown(path) if isinstance(path, Path) else "standard output"
        suffix = path.suffix if isinstance(path, Path) else "wav"
        self.format = find_format(suffix if format is None else format, self._name)
        self._bits = 32 if self.format.is_lossy else bits
        self._bytes_per_sample = num_channels * self._bits // 8
        self._num_channels = num_channels
        self._seed = seed
        self._done = False
        self._pump: _Pump | None = None
        if self._bits == 32 and self.format.codec in ("flac", "alac"):
            raise self._error(f"{self.format.name} stores no float. Choose 16 or 24 bits")
        if self._sink is not None and self.format.to_pipe is None:
            raise self._error(f"{self.format.name} cannot be streamed. Choose wav, caf or flac")
        self._target = path.resolve() if isinstance(path, Path) else None
        self._temporary = None if self._target is None else self._claim(self._target)
        try:
            command = encode_command(
                PIPE_OUT if self._temporary is None else file_url(self._temporary),
                self.format,
                sample_rate=sample_rate,
                num_channels=num_channels,
                bits=self._bits,
                tags=tags or {},
            )
            self._process = FfmpegProcess(command, feed=True)
        except BaseException:
            self._unlink()
            raise
        if self._sink is not None:
            self._pump = _Pump(self._process, self._sink)

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
            raise self._error("there are samples that are not numbers. This is a fault of umt")
        end_bytes = (self.num_samples + len(block)) * self._bytes_per_sample
        if self.format.max_bytes is not None and end_bytes > self.format.max_bytes:
            self.abort()
            raise self._error(f"{self.format.name} ends at 4 GB. Choose wav, caf or flac")
        stored = quantise(block, self._bits, seed=self._seed, start_sample=self.num_samples)
        little_endian = stored.astype(stored.dtype.newbyteorder("<"), order="C", copy=False)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(little_endian.data)
            self._process.stdin.flush()
        except OSError as e:
            raise self._fail() from e
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
            raise self._error("there are no samples to write. Is the input empty?")
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError as e:
            raise self._fail() from e
        if self._pump is not None:
            self._pump.join()
        status = self._process.wait()
        # ffmpeg 5 ends with status 0 though the last write failed; it says so all the same
        complained = self._process.log.reason() is not None
        if status != 0 or complained or (self._pump is not None and self._pump.failure):
            raise self._fail()
        self._done = True
        self._process.close()
        if self._target is not None and self._temporary is not None:
            try:
                _sync(self._temporary)
                os.replace(self._temporary, self._target)
            except OSError as e:
                self._unlink()
                raise self._error(e.strerror or str(e)) from e

    def abort(self) -> None:
        """Give up: nothing is left of the file. Does nothing after `close`."""
        if self._done:
            return
        self._done = True
        self._process.kill()
        if self._pump is not None:
            self._pump.join(timeout_s=0.2)
        self._process.close()
        self._unlink()

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

    def _claim(self, target: Path) -> Path:
        """Make an empty file beside the target, which shows that one can write there."""
        if target.exists() and not target.is_file():
            kind = "it is a folder" if target.is_dir() else "it is no regular file"
            raise self._error(f"{kind}. Name a file, or - for standard output")
        temporary = target.with_name(f".umt-{secrets.token_hex(8)}.part")
        try:
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        except OSError as e:
            raise self._error(e.strerror or str(e)) from e
        return temporary

    def _fail(self) -> EncodeError:
        """Abort; return the error that tells why ffmpeg stopped."""
        pump_failure = self._pump.failure if self._pump is not None else None
        if pump_failure is None:
            self._process.wait()
        reason = pump_failure or self._process.log.reason() or "ffmpeg failed"
        self.abort()
        return self._error(reason)

    def _error(self, reason: str) -> EncodeError:
        hint = next((hint for key, hint in _HINTS.items() if key in reason), "")
        return EncodeError(f"Cannot write {self._name}: {reason}. {hint}".rstrip())

    def _unlink(self) -> None:
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)


class _Pump:
    """Carries what ffmpeg makes to a file object, in a thread of its own."""

    def __init__(self, process: FfmpegProcess, sink: BinaryIO) -> None:
        self.failure: str | None = None
        self._process = process
        self._sink = sink
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until all is carried, or for so long."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            while data := os.read(self._process.stdout.fileno(), 1 << 16):
                self._sink.write(data)
                self._sink.flush()
        except (OSError, ValueError) as e:
            self.failure = getattr(e, "strerror", None) or str(e)
            self._process.kill()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
