"""Standard input that cannot be decoded as it comes is written to disk first.

An MP4 or QuickTime file keeps the index of its samples in the box `moov`. Where that comes
after the samples (`mdat`), nothing can be decoded before the end:

    ftyp │ moov │ mdat …        streamed
    ftyp │ free │ mdat … │ moov  spooled

Source: ISO/IEC 14496-12, section 4.2.
"""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from umtcli.errors import DecodeError

_SKIPPED = (b"ftyp", b"free", b"skip", b"wide", b"pnot", b"uuid")
_MAX_HEAD_BYTES = 1 << 20
"""A head that is still undecided then is left to ffmpeg."""
_READ_BYTES = 1 << 16
_PCM = re.compile(rb"(RIFF|RF64)....WAVE|riff\x2e\x91\xcf\x11|FORM....AIF[FC]|\.snd", re.DOTALL)
_PCM_HEAD_BYTES = 12


def read_some(source: BinaryIO) -> bytes:
    """What is there now, at least a byte; nothing at the end.

    `read` would wait until a live source fills the buffer.
    """
    read: Callable[[int], bytes] = getattr(source, "read1", source.read)
    return read(_READ_BYTES)


def read_head(source: BinaryIO) -> tuple[bytes, bool]:
    """Read a stream until it is clear whether it must be spooled, and whether it is PCM.

    Returns:
        what was read, and whether it must be.
    """
    head = b""
    while ((spooled := index_is_last(head)) is None or len(head) < _PCM_HEAD_BYTES) and (
        data := read_some(source)
    ):
        head += data
    return head, bool(spooled)


def is_pcm(head: bytes) -> bool:
    """Whether a stream that begins like this is WAV, RF64, Wave64, AIFF or AU.

    >>> is_pcm(b"RIFF....WAVEfmt "), is_pcm(b"RIFF....AVI LIST")
    (True, False)
    """
    return _PCM.match(head) is not None


def index_is_last(head: bytes) -> bool | None:
    """Whether a stream that begins like this is an MP4 with its index at the end.

    >>> index_is_last(b"RIFF....WAVEfmt ")
    False

    Returns:
        None if more of it is needed to tell.
    """
    at = 0
    while at < _MAX_HEAD_BYTES:
        if len(head) < at + 8:
            return None
        size, kind = struct.unpack_from(">I4s", head, at)
        if kind not in _SKIPPED or size < 8:
            return bool(kind == b"mdat")
        at += size
    return False


def spool(head: bytes, source: BinaryIO, name: str) -> Path:
    """Write a stream into a temporary file, which is the caller's to remove.

    Args:
        head: what was read of it already.
        source: where the rest comes from.
        name: of the stream, for the message.

    Raises:
        DecodeError: there is no room, or the stream cannot be read.
    """
    path: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(prefix="umt-", suffix=".spool", delete=False) as file:
            path = Path(file.name)
            file.write(head)
            while data := read_some(source):
                file.write(data)
    except BaseException as e:
        if path is not None:
            path.unlink(missing_ok=True)
        if isinstance(e, OSError):
            raise DecodeError(
                f"Cannot spool {name}: {e.strerror}. TMPDIR can name another folder."
            ) from e
        raise
    return path
