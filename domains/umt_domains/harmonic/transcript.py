"""Latents written down as notes: when each pitch is struck, how hard, and when it is over.

    onset    ▁▁▂█▂▁▁▁▁▁▂█▂▁▁▁▁▁     a note begins at a peak
    frame    ▁▁▁███████████▁▁▁▁     and lasts while it sounds, or until the next
    notes       ├──────┼───┤

C latent channels, F latent frames, P pitches, N events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from umt_domains.harmonic.config import LATENT_RATE, LOWEST_MIDI, NUM_PITCHES
from umt_domains.harmonic.decoder import LEVEL_OF_SILENCE
from umt_domains.harmonic.keys import BEGINS, SOON_FRAMES, STRUCK
from umt_domains.harmonic.latents import LEVEL, activations
from umt_domains.harmonic.learning import VELOCITY_RANGE_DB

SOUNDS = 0.3
"""Of a frame activation."""
LOUD_VELOCITY = 100
"""Of the notes that are as loud as the loud ones of their piece."""

Event = tuple[float, int, int]
"""Seconds, MIDI pitch, velocity: 1 … 127, or 0 where a note ends."""


class NoteStreams:
    """`umtcli.domain.Streams` from latents to notes: (C, F) blocks in, (3, N) events out.

    A row each for seconds, MIDI pitch and velocity (1 … 127, or 0 where a note ends); in
    order of time, and float64, for hours have many milliseconds. Every note ends.
    """

    batches = False

    def __init__(self) -> None:
        self._scribes: dict[int, _Scribe] = {}
        self._next_id = 0

    def open(self, key: int = 0) -> int:
        """Start a stream and return its id."""
        del key  # nothing is random here
        stream_id, self._next_id = self._next_id, self._next_id + 1
        self._scribes[stream_id] = _Scribe()
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed latents; return the events that are certain."""
        return {i: _as_tensor(self._scribes[i].push(block)) for i, block in blocks.items()}

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End streams, and every note in them."""
        return {i: _as_tensor(self._scribes.pop(i).finish()) for i in ids}


class _Scribe:
    """One stream: what has to be known of its past and future to judge a frame."""

    def __init__(self) -> None:
        self._waiting = torch.zeros(3, NUM_PITCHES, 1)
        """Frame, onset and velocity: one frame that was judged, and those that were not."""
        self._next = 0
        """Number of the first frame that was not judged."""
        self._sounding: set[int] = set()

    def push(self, latents_CF: Tensor) -> list[Event]:
        pitches = activations(latents_CF.cpu())
        # of silence the encoder says whatever it likes
        heard_F = latents_CF[LEVEL].cpu() > LEVEL_OF_SILENCE
        self._waiting = torch.cat([self._waiting, pitches * heard_F], dim=-1)
        return self._judge()

    def finish(self) -> list[Event]:
        self._waiting = functional.pad(self._waiting, (0, SOON_FRAMES - 1))
        events = self._judge()
        over_s = self._next / LATENT_RATE
        return events + [(over_s, LOWEST_MIDI + pitch, 0) for pitch in sorted(self._sounding)]

    def _judge(self) -> list[Event]:
        """What happens in the frames whose future is known far enough."""
        count = max(0, self._waiting.shape[-1] - SOON_FRAMES)
        frame, onset, _ = self._waiting[..., : count + SOON_FRAMES]
        before, here, after = slice(count), slice(1, count + 1), slice(2, count + 2)
        peaks = (
            (onset[:, here] > STRUCK)
            & (onset[:, here] >= onset[:, before])
            & (onset[:, here] > onset[:, after])
        )
        sounds = frame > SOUNDS
        ends = sounds[:, before] & ~sounds[:, here]
        events: list[Event] = []
        for number, pitch in (peaks | ends).T.nonzero().tolist():
            if peaks[pitch, number]:
                events += self._strike(number, pitch)
            elif pitch in self._sounding:
                self._sounding.remove(pitch)
                events.append((_middle_s(self._next + number), LOWEST_MIDI + pitch, 0))
        self._waiting = self._waiting[..., count:].clone()
        self._next += count
        # a strike lies up to half a frame beside its middle; what ends then ends first
        return sorted(events, key=lambda event: (event[0], event[2] > 0))

    def _strike(self, number: int, pitch: int) -> list[Event]:
        """A peak of the onset ends the note before it, and begins one if that sounds soon."""
        frame, onset, loud = self._waiting[:, pitch, number : number + 1 + SOON_FRAMES].tolist()
        at_s = _middle_s(self._next + number + _vertex(*onset[:3]))
        events: list[Event] = []
        surest = max(range(1, len(frame)), key=frame.__getitem__)
        begins = frame[surest] > BEGINS
        if pitch in self._sounding and (begins or frame[1] <= SOUNDS):
            self._sounding.remove(pitch)
            events.append((at_s, LOWEST_MIDI + pitch, 0))
        if begins:
            self._sounding.add(pitch)
            velocity = _velocity(loud[surest] / frame[surest])
            events.append((at_s, LOWEST_MIDI + pitch, velocity))
        return events


def _velocity(loudness: float) -> int:
    """MIDI velocity of a loudness, 0 … 1: amplitude goes about with its square."""
    level_db = VELOCITY_RANGE_DB * (loudness - 1)
    return max(1, min(127, round(LOUD_VELOCITY * 10 ** (level_db / 40))))


def _middle_s(frame: float) -> float:
    """The middle of frame f lies at (f + 1/2) / rate."""
    return (frame + 0.5) / LATENT_RATE


def _vertex(left: float, peak: float, right: float) -> float:
    """Where the parabola through three points has its top, from the middle one."""
    bend = left - 2 * peak + right
    return 0.5 * (left - right) / bend if bend else 0.0


def _as_tensor(events: list[Event]) -> Tensor:
    return torch.tensor(events, dtype=torch.float64).reshape(-1, 3).T
