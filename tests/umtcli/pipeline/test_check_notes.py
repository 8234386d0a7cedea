"""The conformance kit catches what would spoil a MIDI file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from broken_toy import run_checks
from noting import LoudNotes, NotingFamily
from toy import ToyStream
from umtcli.domain import LatentSpace

CHECK = "notes are whole"


def checked(folder: Path, streams: type[LoudNotes]) -> str:
    """Why a family with such notes is refused; empty if it is not."""

    class Family(NotingFamily):
        def note_streams(self, space: LatentSpace) -> LoudNotes:
            return streams()

    results = run_checks(folder, Family())
    assert [name for name, result in results.items() if not result.passed] in ([], [CHECK])
    return results[CHECK].reason


def test_honest_notes_pass(tmp_path: Path) -> None:
    assert checked(tmp_path, LoudNotes) == ""


class Haunted(LoudNotes):
    """Hears a note in everything."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        events = torch.tensor([[0.0, 60, 64], [0.0, 60, 0]]).T
        return torch.cat([super().advance(stream, last=last), events[:, : 2 * last]], dim=1)


class Flat(LoudNotes):
    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        return super().advance(stream, last=last).flatten()


class Forgetful(LoudNotes):
    """Begins again with each block."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        stream.position = 0
        return super().advance(stream, last=last)


class Endless(LoudNotes):
    """Strikes another key every time, and lets none go."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        events = super().advance(stream, last=last)
        events[1] = (100 * events[0]).round() % 128
        return events[:, events[2] > 0]


class Backwards(LoudNotes):
    """Tells all at the end, the last first."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        if not last:
            return torch.zeros(3, 0)
        return super().advance(stream, last=last).flip(1)


class Quieter(LoudNotes):
    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        return super().advance(stream, last=last) * torch.tensor([[1.0], [1.0], [-1.0]])


class Twice(LoudNotes):
    """Strikes what sounds."""

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        events = super().advance(stream, last=last)
        return events.repeat_interleave(1 + (events[2] > 0).long(), dim=1)


@pytest.mark.parametrize(
    ("streams", "reason"),
    [
        (Haunted, "silence has notes"),
        (Flat, "not (3, N)"),
        (Forgetful, "in pieces"),
        (Endless, "never ends"),
        (Backwards, "not in order"),
        (Quieter, "is no note"),
        (Twice, "already"),
    ],
)
def test_spoiled_notes_are_caught(tmp_path: Path, streams: type[LoudNotes], reason: str) -> None:
    assert reason in checked(tmp_path, streams)
