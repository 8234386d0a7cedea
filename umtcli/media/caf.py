"""Reads the head of a Core Audio Format stream, as ffmpeg writes it to a pipe.

    'caff' version flags │ 'desc' rate, channels │ 'chan' … │ 'info' tags │ 'data' samples …

Source: Apple Core Audio Format Specification 1.0. All integers are big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import IO

from umtcli.media.tags import tidy_tags

_MAX_CHUNK_BYTES = 1 << 24
"""No head of ours is longer; a longer chunk means that this is not one."""


@dataclass(frozen=True)
class CafHeader:
    """What the head of the stream says; the float32 samples follow it."""

    sample_rate: int
    num_channels: int
    tags: dict[str, str] = field(default_factory=dict)


def read_caf_header(stream: IO[bytes]) -> CafHeader | None:
    """Read up to the first sample.

    Args:
        stream: at the first byte of a CAF stream; left at the first sample.

    Returns:
        The header, or None if the stream ends before the samples begin.
    """
    if len(stream.read(8)) < 8:
        return None
    sample_rate = num_channels = 0
    tags: dict[str, str] = {}
    while len(head := stream.read(12)) == 12:
        kind, size = struct.unpack(">4sq", head)
        if kind == b"data":
            stream.read(4)  # edit count
            return CafHeader(sample_rate, num_channels, tags)
        assert 0 <= size <= _MAX_CHUNK_BYTES
        body = stream.read(size)
        if len(body) < size:
            break
        if kind == b"desc":
            rate, _, _, _, _, num_channels, _ = struct.unpack(">d4s5I", body)
            sample_rate = round(rate)
        elif kind == b"info":
            tags = tidy_tags(_parse_info(body))
    return None


def _parse_info(body: bytes) -> dict[str, str]:
    """The tags of an 'info' chunk: a count, then key and value in turn, each ended by NUL."""
    texts = [text.decode("utf-8", "replace") for text in body[4:].split(b"\0")[:-1]]
    return dict(zip(texts[::2], texts[1::2], strict=False))
