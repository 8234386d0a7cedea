"""The heads of PCM files, laid anew in the place of libsndfile's.

libsndfile writes ten tags at most, the time of day (in the PEAK chunk of float files, so
that no two runs give the same bytes), and a wav that is broken beyond 4 GB. The samples
behind it are right. So it is given a comment of filler, which makes its head long enough, and
when all samples are written, a head of the same length takes its place:

    libsndfile's   fmt │ fact │ LIST: "~~~~~~~~~~~~~~~~~" │ PEAK │ data samples …
    ours           JUNK or ds64 │ fmt │ fact │ LIST: tags │ JUNK │ data samples …
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from umtcli.media.tagblocks import aiff_id3, au_annotation, caf_info, riff_info, vorbis_comments

Tags = Mapping[str, str]

_MAX_RIFF_BYTES = 0xFFFFFFFF
_MAX_ROOM_BYTES = 8000
"""libsndfile 1.2 loses comments of chunks beyond 16 kB, and reads no aiff with 12 kB of them."""
_SLACK_BYTES = 64
"""Room for the head of what fills the rest, and for `ds64`."""


@dataclass(frozen=True)
class Body:
    """What a head says about the samples behind it."""

    num_samples: int
    num_bytes: int
    """Of the samples."""
    file_bytes: int
    """Of the whole file."""


class HeadLayout(Protocol):
    """How one container's head is laid."""

    def room(self, tags: Tags) -> int | None:
        """The length of the filler to ask for; None if libsndfile cannot make the room."""

    def lay(self, head: bytes, tags: Tags, body: Body) -> bytes:
        """What replaces the beginning of the file.

        Args:
            head: the beginning of libsndfile's file, with some samples.
            tags: all of them.
            body: what follows.
        """


@dataclass(frozen=True)
class ChunkLayout:
    """A container made of chunks: a name, a size, a body."""

    start: int
    """Where the first chunk is."""
    size: str
    """Of a chunk's name and size, as `struct` has it."""
    alignment: int
    """Of chunks."""
    kept: tuple[bytes, ...]
    """Chunks of libsndfile's that stay, in their order."""
    samples: bytes
    """The chunk that ends the head."""
    filler: bytes
    """The chunk without meaning that the format has for this."""
    tag_chunk: Callable[[Tags], bytes]

    def room(self, tags: Tags) -> int | None:
        """See `HeadLayout`."""
        needed = len(self.tag_chunk(tags)) + _SLACK_BYTES
        return needed if needed <= _MAX_ROOM_BYTES else None

    def lay(self, head: bytes, tags: Tags, body: Body) -> bytes:  # noqa: ARG002 - as HeadLayout
        """See `HeadLayout`."""
        return self.compose(head, first=b"", tags=tags)

    def compose(self, head: bytes, *, first: bytes, tags: Tags) -> bytes:
        """The new head, up to the samples' chunk.

        Args:
            head: the old head.
            first: chunks to put before all others.
            tags: to put after those that stay.
        """
        layout = struct.Struct(self.size)
        kept = []
        at = self.start
        while (name := head[at : at + 4]) != self.samples:
            end = at + layout.size + layout.unpack_from(head, at)[1]
            end += -end % self.alignment
            if name in self.kept:
                kept.append(head[at:end])
            at = end
        laid = head[: self.start] + first + b"".join(kept) + self.tag_chunk(tags)
        rest = at - len(laid) - layout.size
        assert rest >= 0
        return laid + layout.pack(self.filler, rest) + bytes(rest)


@dataclass(frozen=True)
class WavLayout(ChunkLayout):
    """RIFF/WAVE, which becomes RF64 beyond 4 GB.

    Source: EBU Tech 3306, RF64: an extended file format for audio, 2009.
    """

    always_rf64: bool = False

    def lay(self, head: bytes, tags: Tags, body: Body) -> bytes:
        """See `HeadLayout`."""
        riff_bytes = body.file_bytes - 8
        sizes = struct.pack("<QQQI", riff_bytes, body.num_bytes, body.num_samples, 0)
        if riff_bytes <= _MAX_RIFF_BYTES and not self.always_rf64:
            return self.compose(head, first=_riff(b"JUNK", bytes(len(sizes))), tags=tags)
        laid = self.compose(head, first=_riff(b"ds64", sizes), tags=tags)
        elsewhere = struct.pack("<I", _MAX_RIFF_BYTES)
        return b"RF64" + elsewhere + laid[8:] + self.samples + elsewhere


class AiffLayout(ChunkLayout):
    """FORM/AIFF or AIFC, where libsndfile counts the padding as samples."""

    def lay(self, head: bytes, tags: Tags, body: Body) -> bytes:
        """See `HeadLayout`. The samples' chunk begins with two numbers of 32 bits."""
        samples = struct.pack(self.size, self.samples, 8 + body.num_bytes)
        return self.compose(head, first=b"", tags=tags) + samples


class FlacLayout:
    """fLaC, then blocks of metadata: STREAMINFO, comments, padding.

    Source: RFC 9639, section 8.
    """

    _PADDING, _COMMENTS, _LAST = 1, 4, 0x80

    def room(self, tags: Tags) -> int | None:
        """See `HeadLayout`. A block's size has 24 bits."""
        needed = len(vorbis_comments(tags)) + _SLACK_BYTES
        return needed if needed < 1 << 23 else None

    def lay(self, head: bytes, tags: Tags, body: Body) -> bytes:  # noqa: ARG002 - as HeadLayout
        """See `HeadLayout`."""
        at, last = 4, 0
        kept, vendor = [], b""
        while not last:
            last, kind = head[at] & self._LAST, head[at] & ~self._LAST
            end = at + 4 + int.from_bytes(head[at + 1 : at + 4], "big")
            if kind == self._COMMENTS:
                vendor_bytes = int.from_bytes(head[at + 4 : at + 8], "little")
                vendor = head[at + 4 : at + 8 + vendor_bytes]
            elif kind != self._PADDING:
                kept.append(_block(kind, head[at + 4 : end]))
            at = end
        comments = _block(self._COMMENTS, vendor + vorbis_comments(tags))
        laid = head[:4] + b"".join(kept) + comments
        return laid + _block(self._LAST | self._PADDING, bytes(at - len(laid) - 4))


class AuLayout:
    """A head of fixed length. Its annotation would move the samples."""

    def room(self, tags: Tags) -> int | None:
        """See `HeadLayout`."""
        return None if au_annotation(tags) else 0

    def lay(self, head: bytes, tags: Tags, body: Body) -> bytes:  # noqa: ARG002 - as HeadLayout
        """See `HeadLayout`."""
        return b""


def _riff(name: bytes, body: bytes) -> bytes:
    return struct.pack("<4sI", name, len(body)) + body


def _block(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


_WAV = WavLayout(
    start=12,
    size="<4sI",
    alignment=2,
    kept=(b"fmt ", b"fact"),
    samples=b"data",
    filler=b"JUNK",
    tag_chunk=riff_info,
)
_AIFF = AiffLayout(
    start=12,
    size=">4sI",
    alignment=2,
    kept=(b"FVER", b"COMM"),
    samples=b"SSND",
    filler=b"    ",  # that of EA IFF 85, which AIFF is an instance of
    tag_chunk=aiff_id3,
)
_CAF = ChunkLayout(
    start=8,
    size=">4sq",
    alignment=1,
    kept=(b"desc", b"chan"),
    samples=b"data",
    filler=b"free",
    tag_chunk=caf_info,
)
LAYOUTS: Mapping[str, HeadLayout] = {
    "wav": _WAV,
    "rf64": replace(_WAV, always_rf64=True),
    "aiff": _AIFF,
    "caf": _CAF,
    "flac": FlacLayout(),
    "au": AuLayout(),
}
"""By the name of the format: those that libsndfile writes for us."""
