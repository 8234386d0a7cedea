"""Writes standard MIDI files.

    MThd  6  format 0, 1 track, 500 ticks a beat
    MTrk  n  delta, event; delta, event; …; end of track

Source: The Complete MIDI 1.0 Detailed Specification, Standard MIDI Files 1.0.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

TICKS_PER_BEAT = 500
MICROSECONDS_PER_BEAT = 500_000
"""120 beats a minute: one tick is one millisecond."""
TICKS_PER_SECOND = TICKS_PER_BEAT * 1_000_000 // MICROSECONDS_PER_BEAT
NOTE_ON, NOTE_OFF = 0x90, 0x80
TEXT, END_OF_TRACK, TEMPO = 0x01, 0x2F, 0x51
"""Types of meta events."""


class MidiWriter:
    """Writes notes as they come, into a file of one track at 120 beats a minute.

    Times are rounded to a millisecond.
    """

    def __init__(self, file: BinaryIO, text: str = "") -> None:
        """Begin.

        Args:
            file: is sought in; it is not closed.
            text: about the music.
        """
        self._file = file
        self._tick = 0
        file.write(b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT))
        self._start = file.tell()
        file.write(b"MTrk" + bytes(4))  # its length is not known yet
        if text:
            self._put(0, _meta(TEXT, text.encode()))
        self._put(0, _meta(TEMPO, MICROSECONDS_PER_BEAT.to_bytes(3, "big")))

    def note(self, time_s: float, pitch: int, velocity: int) -> None:
        """Begin or end a note, no earlier than what was written before.

        Args:
            time_s: seconds since the beginning.
            pitch: MIDI number.
            velocity: 1 … 127; 0 ends the note.

        Raises:
            ValueError: there is no such note.
        """
        if not (0 <= pitch <= 127 and 0 <= velocity <= 127):
            raise ValueError(f"pitch {pitch}, velocity {velocity}")
        self._put(time_s, bytes([NOTE_ON if velocity else NOTE_OFF, pitch, velocity]))

    def close(self, duration_s: float) -> None:
        """Complete the file: the music lasts so many seconds, its closing silence included."""
        self._put(duration_s, _meta(END_OF_TRACK, b""))
        end = self._file.tell()
        self._file.seek(self._start + 4)
        self._file.write(struct.pack(">I", end - self._start - 8))
        self._file.seek(end)

    def _put(self, time_s: float, event: bytes) -> None:
        tick = max(self._tick, round(time_s * TICKS_PER_SECOND))
        self._file.write(_variable_length(tick - self._tick) + event)
        self._tick = tick


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + _variable_length(len(data)) + data


def _variable_length(number: int) -> bytes:
    """Seven bits a byte, the highest first; all but the last have their top bit set.

    >>> _variable_length(0).hex(), _variable_length(128).hex(), _variable_length(0xFFFFFFF).hex()
    ('00', '8100', 'ffffff7f')
    """
    rest, text = number >> 7, [number & 0x7F]
    while rest:
        text.append(0x80 | rest & 0x7F)
        rest >>= 7
    return bytes(reversed(text))
