"""Reads any audio as float32 blocks, streamed through ffmpeg."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from umtcli.errors import DecodeError
from umtcli.media.decode import check_readable, decode_error, read_header, shown, start_decoding
from umtcli.media.ffmpeg import PIPE_IN, decode_command
from umtcli.media.mp4 import indexed_samples
from umtcli.media.probe import duration_s, promised_duration_s
from umtcli.media.process import FfmpegProcess
from umtcli.media.spooling import is_pcm, read_head, read_some, spool

Block = npt.NDArray[np.float32]
"""(T, C) samples; full scale is ±1."""

_BYTES_PER_VALUE = 4
_PCM_PROBE_BYTES = 1 << 15
"""A head tells all about PCM. ffmpeg 9 by default looks on, through more than four seconds, and a
live pipe may never bring so much."""


Notice = Callable[[str], None]
"""Told what a user should know, as one sentence."""


def _say_nothing(_: str) -> None:
    pass


def open_audio(
    source: Path | BinaryIO, *, block_s: float = 1.0, notice: Notice = _say_nothing
) -> AudioReader:
    """Open an audio file, or a stream such as `sys.stdin.buffer`, for reading.

    A stream that can be decoded only from its end is spooled to disk first.

    Args:
        source: a path, or a binary file object, which is read to its end and not closed.
        block_s: length of the blocks (s); the last one is shorter.
        notice: told if a stream is spooled.

    Raises:
        DecodeError: there is nothing to decode: missing, empty, broken, no audio.
    """
    if not isinstance(source, Path):
        return _open_stream(source, _name(source), block_s, notice)
    check_readable(source)
    name = shown(source)
    if not source.is_file():  # a named pipe, or <(…) of a shell, whose /dev/fd is ours alone
        return _open_stream(source.open("rb"), name, block_s, notice, own=True)
    return AudioReader(_Unfed(source), name, block_s=block_s, is_file=True)


def _open_stream(
    source: BinaryIO, name: str, block_s: float, notice: Notice, *, own: bool = False
) -> AudioReader:
    with contextlib.ExitStack() as cleanup:
        if own:
            cleanup.callback(source.close)
        try:
            head, spooled = read_head(source)
        except (OSError, ValueError) as e:
            raise DecodeError(f"Cannot decode {name}: reading failed: {e}.") from e
        if not head:
            raise DecodeError(f"Cannot decode {name}: it is empty. Does anything write to it?")
        if spooled:
            notice(f"The index of {name} is at its end: it is written to disk before it is heard.")
            decoding = _Spooled(spool(head, source, name))
            return AudioReader(decoding, name, block_s=block_s, is_file=True)
        cleanup.pop_all()
    return AudioReader(_Fed(source, head, own=own), name, block_s=block_s, is_file=False)


class AudioReader:
    """Iterates over float32 (T, C) blocks at the native sample rate; C is 1 or 2.

    Use it as a context manager, or call `close`. Memory holds one block, however long the
    input. Encoder delay and padding are trimmed where the container tells them.

    Attributes:
        sample_rate: of the input (Hz).
        num_channels: C; inputs of more channels are mixed to stereo.
        duration_s: as the container says, to 10 ms; None if it does not, and for pipes.
        tags: title, artist, …: whatever the input carries.
        num_samples: T, decoded so far.
        warning: what was wrong with an input that could be read only in part, once its
            end is reached; None if nothing was.
    """

    def __init__(
        self, decoding: _Unfed | _Fed, name: str, *, block_s: float, is_file: bool
    ) -> None:
        """Use `open_audio`."""
        self.warning: str | None = None
        self.num_samples = 0
        self._decoding = decoding
        self._process = decoding.process
        self._name = name
        try:
            header = read_header(self._process, name)
            self.sample_rate: int = header.sample_rate
            self.num_channels: int = header.num_channels
            self.tags: Mapping[str, str] = header.tags
            # a pipe's head may promise anything: sox writes the largest length there is
            self.duration_s = duration_s(self._process.log) if is_file else None
            self._promised_s = promised_duration_s(self._process.log) if is_file else None
            self._samples_left = self._indexed_samples()
            self._block_samples = max(1, round(block_s * self.sample_rate))
            self._next = self._read_block()
            if len(self._next) == 0:
                self._process.wait()
                raise decode_error(self._process.log, name)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        block = self._next
        if len(block) == 0:
            raise StopIteration
        self.num_samples += len(block)
        self._next = self._read_block()
        if len(self._next) == 0:
            self._conclude()
        return block

    def close(self) -> None:
        """End the decoding and free its process and pipes. May be called twice."""
        self._next = np.zeros((0, 1), np.float32)
        self._decoding.close()

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _indexed_samples(self) -> int | None:
        """How many samples are no padding, where ffmpeg may not know."""
        num_samples = self._decoding.indexed_samples(self.sample_rate)
        if num_samples is None or self.duration_s is None:
            return None
        # an index that ffmpeg reads otherwise is none to cut by
        agrees = abs(num_samples / self.sample_rate - self.duration_s) < 0.1
        return num_samples if agrees else None

    def _read_block(self) -> Block:
        bytes_per_sample = self.num_channels * _BYTES_PER_VALUE
        data = self._process.stdout.read(self._block_samples * bytes_per_sample)
        whole = len(data) - len(data) % bytes_per_sample
        values = np.frombuffer(data[:whole], "<f4").astype(np.float32)  # a copy can be written to
        block = values.reshape(-1, self.num_channels)
        if self._samples_left is not None:
            block = block[: self._samples_left]
            self._samples_left -= len(block)
        return block

    def _conclude(self) -> None:
        """At the end: was it the whole input?"""
        while self._process.stdout.read(1 << 16):
            pass  # the padding of an indexed file: ffmpeg must not find its pipe broken
        status = self._process.wait()
        reason = self._process.log.reason() or self._decoding.failure
        decoded_s = self.num_samples / self.sample_rate
        promised_s = self._promised_s
        if reason is None and promised_s and decoded_s < 0.98 * promised_s - 0.25:
            reason = f"it should last {promised_s:.2f} s"
        if reason is None and status != 0:
            reason = f"ffmpeg ended with status {status}"
        if reason is not None:
            self.warning = (
                f"{self._name} may be incomplete: {reason}. {decoded_s:.2f} s were decoded."
            )


class _Unfed:
    """The decoding of a file, which ffmpeg reads itself."""

    failure: str | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self.process = start_decoding(path, downmix=True)

    def indexed_samples(self, sample_rate: int) -> int | None:
        is_mp4 = any(line.startswith("Input #0, mov") for line in self.process.log.head)
        return indexed_samples(self._path, sample_rate) if is_mp4 else None

    def close(self) -> None:
        self.process.close()


class _Spooled(_Unfed):
    """The decoding of a stream that was written to disk, and disappears from there."""

    def __init__(self, path: Path) -> None:
        try:
            super().__init__(path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        super().close()
        self._path.unlink(missing_ok=True)


class _Fed:
    """The decoding of a file object, which a thread feeds to ffmpeg."""

    def __init__(self, source: BinaryIO, head: bytes, *, own: bool = False) -> None:
        self.failure: str | None = None
        self._source = source
        self._head = head
        self._own = own
        probe_bytes = _PCM_PROBE_BYTES if is_pcm(head) else None
        self.process = FfmpegProcess(decode_command(PIPE_IN, probe_bytes=probe_bytes), feed=True)
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def indexed_samples(self, sample_rate: int) -> int | None:  # noqa: ARG002 - as _Unfed
        return None

    def close(self) -> None:
        self.process.kill()
        # ends at once, unless it waits for a source that has nothing more to say: then it
        # is left behind, a daemon, and closes its pipe when the source ends
        self._thread.join(timeout=0.2)
        self.process.close(keep_stdin=self._thread.is_alive())
        if self._own and not self._thread.is_alive():
            self._source.close()

    def _feed(self) -> None:
        assert self.process.stdin is not None
        try:
            data = self._head or read_some(self._source)
            while data:
                self.process.stdin.write(data)
                self.process.stdin.flush()
                data = read_some(self._source)
        except BrokenPipeError:
            pass  # ffmpeg has heard enough, or was closed
        except (OSError, ValueError) as e:
            self.failure = f"reading failed: {e}"
        finally:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()


def _name(source: BinaryIO) -> str:
    name = getattr(source, "name", None)
    is_path = isinstance(name, str) and not name.startswith("<")
    return shown(str(name)) if is_path else "standard input"
