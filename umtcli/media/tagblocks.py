"""Tags as the blocks of bytes that PCM containers keep them in; keys are ffmpeg's.

libsndfile writes ten tags and drops the others. ffmpeg reads all of these back.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_INFO_IDS = {
    "album": b"IPRD",
    "artist": b"IART",
    "comment": b"ICMT",
    "copyright": b"ICOP",
    "date": b"ICRD",
    "encoded_by": b"ITCH",
    "genre": b"IGNR",
    "title": b"INAM",
    "track": b"ITRK",
}
_ID3_FRAMES = {
    "album": b"TALB",
    "album_artist": b"TPE2",
    "artist": b"TPE1",
    "composer": b"TCOM",
    "copyright": b"TCOP",
    "date": b"TDRC",
    "disc": b"TPOS",
    "encoded_by": b"TENC",
    "genre": b"TCON",
    "performer": b"TPE3",
    "publisher": b"TPUB",
    "title": b"TIT2",
    "track": b"TRCK",
}
_VORBIS_KEYS = {
    "album_artist": "ALBUMARTIST",
    "comment": "DESCRIPTION",
    "disc": "DISCNUMBER",
    "track": "TRACKNUMBER",
}
_AU_KEYS = ("title", "artist", "album", "track", "genre")


def riff_info(tags: Mapping[str, str]) -> bytes:
    """The LIST chunk of a wav, which has no place for tags of other names.

    Source: Microsoft, Multimedia Programming Interface and Data Specifications 1.0, INFO.
    """
    items = [
        _chunk("<4sI", _INFO_IDS[key], text.encode() + b"\0")
        for key, text in tags.items()
        if key in _INFO_IDS
    ]
    return _chunk("<4sI", b"LIST", b"INFO" + b"".join(items)) if items else b""


def aiff_id3(tags: Mapping[str, str]) -> bytes:
    """The chunk of an aiff that holds an ID3v2.4 tag: AIFF itself knows four tags only.

    Source: ID3 tag version 2.4.0, main structure and native frames.
    """
    frames = b"".join(_id3_frame(key, text) for key, text in tags.items())
    tag = b"ID3\4\0\0" + _syncsafe(len(frames)) + frames
    return _chunk(">4sI", b"ID3 ", tag) if frames else b""


def caf_info(tags: Mapping[str, str]) -> bytes:
    """The 'info' chunk of a caf: a count, then key and value in turn, each ended by NUL."""
    texts = b"".join(f"{key}\0{text}\0".encode() for key, text in tags.items())
    body = struct.pack(">I", len(tags)) + texts
    return struct.pack(">4sq", b"info", len(body)) + body if tags else b""


def vorbis_comments(tags: Mapping[str, str]) -> bytes:
    """The comments of a flac: their number, then each with its length.

    Source: Xiph.Org, Ogg Vorbis I format specification: comment field and header.
    """
    comments = [f"{_VORBIS_KEYS.get(key, key)}={text}".encode() for key, text in tags.items()]
    packed = [struct.pack("<I", len(comment)) + comment for comment in comments]
    return struct.pack("<I", len(packed)) + b"".join(packed)


def au_annotation(tags: Mapping[str, str]) -> bytes:
    """What ffmpeg would write between the head and the samples of an au."""
    return "\n".join(f"{key}={tags[key]}" for key in _AU_KEYS if key in tags).encode()


def _chunk(layout: str, name: bytes, body: bytes) -> bytes:
    """A chunk of a RIFF or IFF file: padded to an even length, which its size leaves out."""
    return struct.pack(layout, name, len(body)) + body + bytes(len(body) % 2)


def _id3_frame(key: str, text: str) -> bytes:
    """One frame: a 3 says that the text is UTF-8; comments have a language, XXX is any."""
    if key == "comment":
        name, body = b"COMM", b"\3XXX\0" + text.encode()
    elif key in _ID3_FRAMES:
        name, body = _ID3_FRAMES[key], b"\3" + text.encode()
    else:
        name, body = b"TXXX", b"\3" + key.encode() + b"\0" + text.encode()
    return name + _syncsafe(len(body)) + b"\0\0" + body


def _syncsafe(number: int) -> bytes:
    """28 bits as four bytes of seven."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
