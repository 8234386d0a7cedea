"""Streams for files: the pieces of a long one are played side by side, and fill an engine.

    file 1 ── piece, piece, piece ─┐                ┌─ row ─┐
    file 2 ── piece ───────────────┼─▶ a queue ─▶ ──┼─ row ─┼── a frame of each at a time
    file 3 ── piece, piece ────────┘                └─ row ─┘

Random numbers belong to absolute samples, so that two pieces draw alike where they overlap.

C latent channels, F latent frames, T samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from torch import Tensor

from umt_domains.wavenet.cutting import CutStream, Piece, Plan


class Rows(Protocol):
    """Streams that play a frame as soon as it is pushed, and may begin in the midst of music."""

    def open(self, key: int = 0, first_sample: int = 0) -> int:
        """Start a stream; `first_sample` is the absolute place of what it plays first."""

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Play the next (C, F) block of each named stream."""

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End these streams; nothing is left to play."""


class CutStreams:
    """Long streams in pieces: see `umtcli.optional.PatientStreams`.

    Args:
        rows: what plays.
        plan: where streams are cut.
        num_rows: pieces that are played at a time. It changes no result.
    """

    def __init__(self, rows: Rows, plan: Plan, num_rows: int) -> None:
        self._rows, self._plan, self._num_rows = rows, plan, num_rows
        self._streams: dict[int, CutStream] = {}
        self._queue: list[Piece] = []
        """Not played to their ends, in the order in which they were cut."""
        self._next_id = 0
        self.notice = ""

    def open(self, key: int = 0) -> int:
        """Start a stream and return its id."""
        stream_id, self._next_id = self._next_id, self._next_id + 1
        self._streams[stream_id] = CutStream(self._plan, key)
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Take the next (C, F) block of each named stream; return what is joined of it.

        One frame of each row is played, if there is enough for all rows for as long as a piece
        lasts: so rows are full, and what waits is at most twice of what they hold.
        """
        for stream_id, block_CF in blocks.items():
            stream = self._streams[stream_id]
            self._queue += stream.push(block_CF)
            if stream.was_cut:
                self.notice = (
                    f"WaveNet plays long files in pieces of {self._plan.piece_s:.1f} s, side by "
                    "side, joined where they agree; `--set exact=true` plays each file in one."
                )
        num_frames = sum(len(piece.frames) for piece in self._queue)
        if num_frames >= self._num_rows * self._plan.piece:
            self._play_frame()
        return {stream_id: self._streams[stream_id].joined() for stream_id in blocks}

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End these streams and play a frame on; those that owe nothing then are forgotten."""
        ended = {stream_id: self._streams[stream_id] for stream_id in ids}
        for stream in ended.values():
            self._queue += stream.end()
        self._play_frame()
        joined = {stream_id: stream.joined() for stream_id, stream in ended.items()}
        for stream_id, stream in ended.items():
            if not stream.pieces:
                del self._streams[stream_id]
        return joined

    def owed_s(self, stream_id: int) -> float:
        """Seconds of a stream that were taken and not played yet; 0 of one that is over."""
        stream = self._streams.get(stream_id)
        return 0.0 if stream is None else stream.owed_s

    def drop(self, ids: Iterable[int]) -> None:
        """Forget streams without playing their rest."""
        dropped = [piece for i in ids for piece in self._streams.pop(i).pieces]
        self._queue = [piece for piece in self._queue if piece not in dropped]
        self._rows.finish([piece.row for piece in dropped if piece.row is not None])

    def _play_frame(self) -> None:
        """The next frame of as many pieces as there are rows."""
        playing = {self._row_of(piece): piece for piece in self._queue[: self._num_rows]}
        if not playing:
            return
        played = self._rows.push({row: piece.frames.popleft() for row, piece in playing.items()})
        for row, piece in playing.items():
            piece.wav.append(played[row])
            piece.row = row if piece.frames else None
        self._rows.finish([row for row, piece in playing.items() if piece.row is None])
        self._queue = [piece for piece in self._queue if piece.frames]

    def _row_of(self, piece: Piece) -> int:
        if piece.row is None:
            first_sample = (piece.cut - piece.warm) * self._plan.hop_samples
            piece.row = self._rows.open(piece.key, first_sample)
        return piece.row
