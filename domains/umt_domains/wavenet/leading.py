"""Streams that are told their latents some frames early, so that what they play is not late.

    latents   0 1 2 3 4          played at first are those behind the lead; at the end
    told      1 2 3 4 4          the last is told again, for as long as the lead was

A small decoder takes a while to leave a note and to find the next. Latents look ahead, and can
tell it sooner.

C latent channels, F latent frames, T samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from umtcli import optional
from umtcli.domain import Streams


@dataclass
class _Lead:
    """How far one stream is ahead."""

    frames: int = 0
    """Latent frames that were taken without being told."""
    last_CF: Tensor | None = None
    """The latest frame."""


class LeadingStreams:
    """Wraps a decoder's streams so that they are told latents early; patient ones stay patient.

    Args:
        streams: of a decoder.
        num_frames: of the lead.
    """

    def __init__(self, streams: Streams, num_frames: int) -> None:
        self._streams, self._num_frames = streams, num_frames
        self._leads: dict[int, _Lead] = {}
        """Of streams that have not ended."""

    @property
    def notice(self) -> str:
        """As of the streams; see `optional.PatientStreams`."""
        return optional.notice(self._streams)

    def open(self, key: int = 0) -> int:
        """Start a stream and return its id."""
        stream_id = self._streams.open(key)
        self._leads[stream_id] = _Lead()
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed the next (C, F) block of each named stream.

        Shape:
            returns: (T,); in all, hop samples for each frame so far but those of the lead
        """
        return self._streams.push({i: self._told(i, block_CF) for i, block_CF in blocks.items()})

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """Tell these streams their last frame again, for as long as the lead was, and end them."""
        ended = list(ids)
        leads = {i: self._leads.pop(i) for i in ended if i in self._leads}
        rest = {
            i: lead.last_CF.expand(-1, lead.frames)
            for i, lead in leads.items()
            if lead.last_CF is not None
        }
        ready = self._streams.push(rest) if rest else {}
        for stream_id, wav_T in self._streams.finish(ended).items():
            before_T = ready.get(stream_id, torch.zeros(0))
            ready[stream_id] = torch.cat([before_T, wav_T])
        return ready

    def owed_s(self, stream_id: int) -> float:
        """As of the streams; see `optional.PatientStreams`."""
        return optional.owed_s(self._streams, [stream_id])

    def drop(self, ids: Iterable[int]) -> None:
        """Forget streams without playing their rest."""
        dropped = list(ids)
        for stream_id in dropped:
            self._leads.pop(stream_id, None)
        optional.drop(self._streams, dropped)

    def _told(self, stream_id: int, block_CF: Tensor) -> Tensor:
        lead, num_frames = self._leads.get(stream_id), block_CF.shape[-1]
        if lead is None:  # it has ended, and owes something: there is nothing in the block
            return block_CF
        if num_frames:
            lead.last_CF = block_CF[:, -1:]
        passed = min(self._num_frames - lead.frames, num_frames)
        lead.frames += passed
        return block_CF[:, passed:]
