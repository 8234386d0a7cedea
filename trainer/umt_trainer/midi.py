"""The notes of standard MIDI files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from umtcli.errors import UmtError

DRUM_CHANNEL = 9


@dataclass(frozen=True, order=True)
class Note:
    """One note as it was played."""

    start_s: float
    end_s: float
    pitch: int
    """MIDI number; 69 is A440."""
    velocity: int
    """How hard: 1 … 127."""


def read_midi(path: Path) -> list[Note]:
    """All notes but those of drums, in order; pedals are ignored.

    A note that is never ended lasts to the end of the file.

    Raises:
        UmtError: the file is no MIDI file, has no notes, or mido is not installed.
    """
    try:
        import mido
    except ImportError as e:
        raise UmtError(f"To read {path} takes mido: pip install 'umtcli[train]'.") from e
    notes: list[Note] = []
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    now_s = 0.0
    try:
        for message in mido.MidiFile(path):
            now_s += message.time
            if message.type not in ("note_on", "note_off") or message.channel == DRUM_CHANNEL:
                continue
            key = message.channel, message.note
            if key in sounding:
                start_s, velocity = sounding.pop(key)
                notes.append(Note(start_s, now_s, message.note, velocity))
            if message.type == "note_on" and message.velocity > 0:
                sounding[key] = now_s, message.velocity
    except OSError as e:
        raise UmtError(f"Cannot read {path}: {e.strerror or 'it is no MIDI file'}.") from e
    except Exception as e:  # mido lets errors of every kind through
        raise UmtError(f"Cannot read {path}: it is no whole MIDI file.") from e
    notes += [Note(at_s, now_s, pitch, hard) for (_, pitch), (at_s, hard) in sounding.items()]
    if not notes:
        raise UmtError(f"{path} has no notes: is it the score of a drum kit?")
    return sorted(notes)
