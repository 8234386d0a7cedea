"""Encodes with ffmpeg: every format that is not PCM, and everything that goes to a stream."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import BinaryIO

from umtcli.media.backend import BackendError, Encoding, Stored
from umtcli.media.ffmpeg import PIPE_OUT, encode_command, file_url
from umtcli.media.process import FfmpegProcess


class FfmpegBackend:
    """A running ffmpeg that is fed with samples.

    Args:
        sink: the file that it writes, or the object that gets what it makes as it comes.
        encoding: what it makes.

    Raises:
        MediaError: there is no ffmpeg.
    """

    def __init__(self, sink: Path | BinaryIO, encoding: Encoding) -> None:
        command = encode_command(
            file_url(sink) if isinstance(sink, Path) else PIPE_OUT,
            encoding.format,
            sample_rate=encoding.sample_rate,
            num_channels=encoding.num_channels,
            bits=encoding.bits,
            tags=encoding.tags,
        )
        self._process = FfmpegProcess(command, feed=True)
        self._pump = None if isinstance(sink, Path) else _Pump(self._process, sink)

    def write(self, stored: Stored) -> None:
        """Feed samples."""
        little_endian = stored.astype(stored.dtype.newbyteorder("<"), order="C", copy=False)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(little_endian.data)
            self._process.stdin.flush()
        except OSError as e:
            raise self._failed() from e

    def finish(self) -> None:
        """End the input, and wait until all is written."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except OSError as e:
            raise self._failed() from e
        if self._pump is not None:
            self._pump.join()
        status = self._process.wait()
        # ffmpeg 5 ends with status 0 though the last write failed; it says so all the same
        complained = self._process.log.reason() is not None
        if status != 0 or complained or (self._pump is not None and self._pump.failure):
            raise self._failed()
        self._process.close()

    def abort(self) -> None:
        """End ffmpeg now."""
        self._process.kill()
        if self._pump is not None:
            self._pump.join(timeout_s=0.2)
        self._process.close()

    def _failed(self) -> BackendError:
        """The error that tells why ffmpeg stopped."""
        pump_failure = self._pump.failure if self._pump is not None else None
        if pump_failure is None:
            self._process.wait()
        return BackendError(pump_failure or self._process.log.reason() or "ffmpeg failed")


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
