"""How many samples the sound of an MP4 file has, by its own index.

AAC comes in frames of 1024 samples, the last one padded. The index says how much of it
counts. ffmpeg heeds this from version 6 on; before that the padding came through.

    moov
     ├─ mvhd               the movie's time scale
     └─ trak
         ├─ edts / elst    where in the media the music starts (encoder delay), how long it is
         └─ mdia
             ├─ mdhd       the media's time scale, and its length without padding
             └─ hdlr       'soun'

Source: ISO/IEC 14496-12. All integers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MAX_INDEX_BYTES = 1 << 26


def indexed_samples(path: Path, sample_rate: int) -> int | None:
    """The number of samples to play of the first sound track.

    Args:
        path: a regular file.
        sample_rate: of the decoder (Hz), which may differ from the index's time scale.

    Returns:
        None if this is no MP4 file, or its index is not of the simple kind: one edit at
        most, no fragments.
    """
    try:
        with path.open("rb") as file:
            moov = _find_moov(file)
        return None if moov is None else _first_sound(moov, sample_rate)
    except (OSError, struct.error):
        return None  # a broken index is ffmpeg's to judge


def _find_moov(file: BinaryIO) -> bytes | None:
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        body = size - 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            body = size - 16
        if kind == b"moov":
            return file.read(body) if body <= _MAX_INDEX_BYTES else None
        if body < 0:  # to the end of the file, or nonsense
            return None
        file.seek(body, 1)
    return None


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    while start + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, start)
        if size < 8:
            return
        yield kind, data[start + 8 : start + size]
        start += size


def _first_sound(moov: bytes, sample_rate: int) -> int | None:
    movie_scale, _ = _scale_and_length(dict(_boxes(moov)).get(b"mvhd", b""))
    for kind, track in _boxes(moov):
        boxes = dict(_boxes(track))
        media = dict(_boxes(boxes.get(b"mdia", b"")))
        if kind == b"trak" and media.get(b"hdlr", b"")[8:12] == b"soun":
            scale, length = _scale_and_length(media.get(b"mdhd", b""))
            edits = dict(_boxes(boxes.get(b"edts", b""))).get(b"elst")
            if scale == 0 or length == 0:
                return None
            if edits is not None:
                edit = _only_edit(edits)
                if edit is None:
                    return None
                edit_length, edit_start = edit
                length -= edit_start
                if movie_scale == scale:  # else it is too coarse to count samples with
                    length = min(length, edit_length)
            return round(length * sample_rate / scale)
    return None


def _scale_and_length(box: bytes) -> tuple[int, int]:
    """Units a second, and length in units, of an 'mvhd' or 'mdhd' box."""
    layout = ">20xIQ" if box[:1] == b"\1" else ">12xII"
    scale, length = struct.unpack_from(layout, box)
    return scale, length


def _only_edit(box: bytes) -> tuple[int, int] | None:
    """Length (movie units) and start (media units) of a list of one edit without a gap."""
    (count,) = struct.unpack_from(">4xI", box)
    length, start = struct.unpack_from(">8xQq" if box[:1] == b"\1" else ">8xIi", box)
    return (length, start) if count == 1 and start >= 0 else None
