"""MIDI files hold the notes that were written, for whoever reads them."""

from __future__ import annotations

import io
from pathlib import Path

import mido
import pytest

from umtcli.media.midi import MidiWriter

Event = tuple[float, int, int]


def written(events: list[Event], duration_s: float, text: str = "") -> bytes:
    file = io.BytesIO()
    midi = MidiWriter(file, text)
    for event in events:
        midi.note(*event)
    midi.close(duration_s)
    return file.getvalue()


def test_the_bytes_are_those_of_the_specification() -> None:
    assert written([(0.0, 60, 64), (0.2, 60, 0)], 0.5) == bytes.fromhex(
        "4d546864 00000006 0000 0001 01f4"  # MThd: format 0, one track, 500 ticks a beat
        "4d54726b 00000015"  # MTrk, 21 bytes
        "00 ff5103 07a120"  # 500 000 µs a beat
        "00 903c40"
        "8148 803c00"  # 200 ticks later: 1 · 128 + 72
        "822c ff2f00"  # 300 ticks later: 2 · 128 + 44
    )


def test_another_reader_finds_the_notes_after_hours(tmp_path: Path) -> None:
    notes = [(0.0004, 21, 1), (0.9996, 108, 127), (7200.5, 21, 0), (36000.25, 108, 0)]
    path = tmp_path / "a.mid"
    path.write_bytes(written(notes, 36001.0, "heard by a test"))
    read, now_s = [], 0.0
    for message in mido.MidiFile(path):
        now_s += message.time
        if message.type in ("note_on", "note_off"):
            read.append((pytest.approx(now_s, abs=1e-3), message.note, message.velocity))
    assert notes == read
    assert now_s == pytest.approx(36001.0)


def test_no_notes_make_a_whole_file() -> None:
    file = mido.MidiFile(file=io.BytesIO(written([], 2.0)))
    assert file.length == pytest.approx(2.0)


@pytest.mark.parametrize("note", [(0.0, 128, 64), (0.0, -1, 64), (0.0, 60, 128), (0.0, 60, -1)])
def test_what_is_no_note_is_refused(note: Event) -> None:
    with pytest.raises(ValueError, match=r"pitch .*, velocity"):
        written([note], 1.0)
