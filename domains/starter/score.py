"""What is played: notes with exact times, and their standard MIDI files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import mido

from umt_trainer.midi import Note

TICKS_PER_BEAT = 500
"""With the tempo below, one tick is one millisecond, so that times survive the file."""

MICROSECONDS_PER_BEAT = 500_000

TICKS_PER_SECOND = TICKS_PER_BEAT * 1_000_000 // MICROSECONDS_PER_BEAT

SHORTEST_NOTE_S = 0.04
"""Shorter ones are clicks; they are dropped."""

REPEAT_GAP_S = 0.02
"""Silence between two notes of one pitch, or the second would not be heard to begin."""


@dataclass(frozen=True)
class Score:
    """The notes of one piece, ordered by start."""

    notes: tuple[Note, ...]
    duration_s: float
    """How long the piece lasts, its closing silence included."""


def write_midi(score: Score, path: Path) -> None:
    """Write ``score`` as a standard MIDI file of one track, for a piano.

    Args:
        score: Times are rounded to 1 ms.
        path: The file to write; its folder must exist.
    """
    events: list[tuple[int, int, mido.Message]] = []
    for note in score.notes:
        start, end = ticks(note.start_s), ticks(note.end_s)
        on = mido.Message("note_on", note=note.pitch, velocity=note.velocity)
        off = mido.Message("note_off", note=note.pitch, velocity=0)
        events += [(start, 1, on), (max(end, start + 1), 0, off)]
    save_track(events, score.duration_s, path)


def save_track(
    events: Iterable[tuple[int, int, mido.Message]], duration_s: float, path: Path
) -> None:
    """Write messages as a standard MIDI file of one track.

    Args:
        events: Each with its tick and its order within that tick. A note off has to come
            before a note on, or it would end the new note.
        duration_s: Of the piece, its closing silence included.
        path: The file to write.
    """
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=MICROSECONDS_PER_BEAT, time=0))
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    closing = max(0, ticks(duration_s) - now)
    track.append(mido.MetaMessage("end_of_track", time=closing))
    midi = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT)
    midi.tracks.append(track)
    midi.save(path)


def without_overlaps(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Notes of one pitch that would overlap, cut as one key can play them.

    A note ends before its pitch is struck again. Two that are struck together are one, as
    long as the longer.

    >>> without_overlaps([Note(0.0, 2.0, 60, 80), Note(1.0, 3.0, 60, 80)])[0].end_s
    0.98
    """
    by_pitch: dict[int, list[Note]] = {}
    for note in sorted(notes):
        line = by_pitch.setdefault(note.pitch, [])
        if line and line[-1].end_s > note.start_s - REPEAT_GAP_S:
            before = line.pop()
            cut_s = note.start_s - REPEAT_GAP_S
            if cut_s - before.start_s < SHORTEST_NOTE_S:
                line.append(replace(before, end_s=max(note.end_s, before.end_s)))
                continue
            line.append(replace(before, end_s=cut_s))
        line.append(note)
    return tuple(sorted(note for line in by_pitch.values() for note in line))


def fold(score: Score, low: int, high: int) -> Score:
    """Bring every note into ``low`` … ``high``, at least an octave, by octaves."""
    moved = (replace(note, pitch=folded(note.pitch, low, high)) for note in score.notes)
    return Score(without_overlaps(moved), score.duration_s)


def folded(pitch: int, low: int, high: int) -> int:
    """The nearest pitch of the same name within a range.

    >>> folded(20, 36, 96), folded(60, 36, 96), folded(109, 36, 96)
    (44, 60, 85)
    """
    if pitch < low:
        return pitch + 12 * -(-(low - pitch) // 12)
    return pitch - 12 * max(0, -(-(pitch - high) // 12))


def ticks(time_s: float) -> int:
    """MIDI ticks of a time."""
    return round(time_s * TICKS_PER_SECOND)
