"""A long stream in pieces, which can be played side by side and are joined again.

    latents    │─────────│─────────│─────────│─────────  as they come
    piece 0    ├─────────┬┐
    piece 1        ├─────┼─────────┬┐        each hears what comes before it, to warm up, and
    piece 2              ├───┼─────────┬┐    goes on for a while behind it, to be joined
    given      ├─────────┴─────────┴──────

Where it is cut depends on the network's sizes alone, and on neither the machine, nor what else
is played, nor how the latents were pushed: the same music comes out.

C latent channels, F latent frames, T samples.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from umt_domains.wavenet.config import DecoderConfig
from umt_domains.wavenet.joining import Joint, Wave

EXTRA = 8
"""A piece is this many times as long as what is played of it twice."""


@dataclass(frozen=True)
class Plan:
    """Where streams of a decoder are cut: in latent frames, but for the joint."""

    hop_samples: int
    sample_rate: int
    joint: Joint
    warm: int
    """Before a piece: at least one receptive field, so that it forgets how it began."""
    tail: int
    """Behind it."""

    @classmethod
    def of(cls, config: DecoderConfig) -> Plan:
        """For a decoder of these sizes."""
        joint, hop = Joint.at(config.sample_rate), config.hop_samples
        warm = -(-(config.receptive_field_samples + joint.lag) // hop)
        tail = -(-(joint.width + joint.lag) // hop)
        return cls(hop, config.sample_rate, joint, warm, tail)

    @property
    def piece(self) -> int:
        """From one cut to the next."""
        return EXTRA * (self.warm + self.tail)

    @property
    def least(self) -> int:
        """Of the last piece: with less, the one before it goes on to the end."""
        return self.piece // 2

    @property
    def piece_s(self) -> float:
        """Seconds from one cut to the next."""
        return self.seconds(self.piece)

    def seconds(self, num_frames: int) -> float:
        """How long frames last."""
        return num_frames * self.hop_samples / self.sample_rate


@dataclass(eq=False)
class Piece:
    """A stretch of a stream, on its way through a row."""

    key: int
    """Of the stream."""
    cut: int
    """Where it begins to be given, in absolute frames."""
    warm: int
    """Frames that it hears before."""
    num_frames: int
    """That are given of it."""
    frames: deque[Tensor]
    """Not played yet, each (C, 1)."""
    row: int | None = None
    wav: list[Tensor] = field(default_factory=list)
    """Played."""


class CutStream:
    """One stream: latents in, pieces to play, and what they played joined.

    Args:
        plan: where it is cut.
        key: of the stream.
    """

    def __init__(self, plan: Plan, key: int) -> None:
        self._plan, self._key = plan, key
        self._cut = 0  # where the next piece begins to be given, in absolute frames
        self._num_frames = 0  # pushed so far
        self._waiting: Tensor | None = None  # all that the next piece may hear
        self._held_T: Wave = np.zeros(0, np.float32)  # played behind the last cut
        self.pieces: deque[Piece] = deque()
        """Cut, and not joined yet."""
        self.ended = False

    @property
    def was_cut(self) -> bool:
        """Whether it is longer than one piece."""
        return self._cut > 0

    @property
    def owed_s(self) -> float:
        """Seconds that were taken and not played yet."""
        waiting = 0 if self._waiting is None else self._waiting.shape[1]
        return self._plan.seconds(waiting + sum(len(piece.frames) for piece in self.pieces))

    def push(self, block_CF: Tensor) -> list[Piece]:
        """Take the next block; return the pieces that are complete now."""
        plan, cut = self._plan, []
        known = [block_CF] if self._waiting is None else [self._waiting, block_CF]
        waiting_CF = torch.cat(known, dim=1)
        self._num_frames += block_CF.shape[1]
        while self._num_frames >= self._cut + plan.piece + plan.least:
            end = self._warm + plan.piece
            cut.append(self._piece(waiting_CF[:, : end + plan.tail], plan.piece))
            waiting_CF = waiting_CF[:, end - plan.warm :].clone()
            self._cut += plan.piece
        self._waiting = waiting_CF
        return cut

    def end(self) -> list[Piece]:
        """Take note that no more comes; return the last piece, if there is any."""
        last_CF, self._waiting = self._waiting, None
        if self.ended or last_CF is None or not self._num_frames:
            self.ended = True
            return []
        self.ended = True
        if self.was_cut:
            # some of its beginning may be left out, and then it ends too early
            missing = -(-self._plan.joint.lag // self._plan.hop_samples)
            last_CF = torch.cat([last_CF, last_CF[:, -1:].expand(-1, missing)], dim=1)
        return [self._piece(last_CF, self._num_frames - self._cut)]

    def joined(self) -> Tensor:
        """What became ready since the last call, (T,)."""
        ready = [np.zeros(0, np.float32)]
        while self.pieces and not self.pieces[0].frames:
            ready.append(self._join(self.pieces.popleft()))
        return torch.from_numpy(np.concatenate(ready))

    @property
    def _warm(self) -> int:
        return min(self._plan.warm, self._cut)

    def _piece(self, latent_CF: Tensor, num_frames: int) -> Piece:
        frames = deque(latent_CF.split(1, dim=1))
        self.pieces.append(Piece(self._key, self._cut, self._warm, num_frames, frames))
        return self.pieces[-1]

    def _join(self, piece: Piece) -> Wave:
        """What is given of a piece; what it played beyond is held for the next."""
        joint, hop = self._plan.joint, self._plan.hop_samples
        wav_T: Wave = torch.cat(piece.wav).numpy()
        if piece.cut:
            new_T = wav_T[piece.warm * hop - joint.lag :]
            joined_T, left_out = joint.join(self._held_T, new_T)
            wav_T = np.concatenate([joined_T, new_T[joint.lag + left_out + joint.width :]])
        given_T, self._held_T = np.split(wav_T, [piece.num_frames * hop])
        return given_T
