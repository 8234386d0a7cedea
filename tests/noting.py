"""A toy family that tells notes: one A while it is loud. And MIDI files, read by mido."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mido
import torch
from torch import Tensor

from toy import FRAME_RATE, ToyFamily, ToyStream, ToyStreams
from umt_trainer.midi import Note
from umtcli.domain import LatentSpace

LOUD = 0.05


class LoudNotes(ToyStreams):
    """(2, F) blocks of latents in, (3, N) blocks of events out."""

    empty = torch.zeros(2, 1)  # before the beginning it was silent

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        loud_F = torch.nn.functional.pad(stream.waiting[0], (0, int(last))) > LOUD
        changes = (loud_F[1:] != loud_F[:-1]).nonzero()[:, 0]
        times_s = (stream.position + changes.double()) / FRAME_RATE
        stream.position += len(loud_F) - 1
        stream.waiting = stream.waiting[:, -1:]
        return torch.stack(
            [times_s, torch.full_like(times_s, 69), 80 * loud_F[changes + 1].double()]
        )


class NotingFamily(ToyFamily):
    """Hears loud notes."""

    def note_streams(self, space: LatentSpace) -> LoudNotes:
        assert space.frame_rate == FRAME_RATE
        return LoudNotes()


def notes_in(path: Path) -> list[Note]:
    """The notes of a MIDI file, all of which have to end."""
    return sorted(_notes_in(path))


def _notes_in(path: Path) -> Iterator[Note]:
    began: dict[int, tuple[float, int]] = {}
    now_s = 0.0
    for message in mido.MidiFile(path):
        now_s += message.time
        if message.type == "note_on":
            assert message.note not in began
            began[message.note] = now_s, message.velocity
        elif message.type == "note_off":
            start_s, velocity = began.pop(message.note)
            yield Note(start_s, now_s, message.note, velocity)
    assert not began
