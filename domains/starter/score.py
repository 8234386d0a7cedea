"""What is played: notes with exact times, and their standard MIDI files."""

from dataclasses import dataclass
from pathlib import Path

import mido

TICKS_PER_BEAT = 500
"""With the tempo below, one tick is one millisecond, so that times survive the file."""

MICROSECONDS_PER_BEAT = 500_000

TICKS_PER_SECOND = TICKS_PER_BEAT * 1_000_000 // MICROSECONDS_PER_BEAT

DRUM_CHANNEL = 9
"""Channel 10 to musicians: General MIDI plays drum kits there."""


@dataclass(frozen=True, order=True)
class Note:
    """One note of a score."""

    start_s: float
    end_s: float
    pitch: int
    """MIDI pitch; on a drum channel, which drum."""
    velocity: int
    """1 (softest) to 127 (loudest)."""


@dataclass(frozen=True)
class Score:
    """The notes of one piece, ordered by start."""

    notes: tuple[Note, ...]
    duration_s: float
    """How long the piece lasts, its closing silence included."""


def write_midi(
    score: Score, path: Path, program: int = 0, bank: int = 0, *, drums: bool = False
) -> None:
    """Write ``score`` as a standard MIDI file of one track.

    Args:
        score: Times are rounded to 1 ms.
        path: The file to write; its folder must exist.
        program: General MIDI program, 0–127; on drums, the kit.
        bank: Bank select (coarse), 0 for General MIDI.
        drums: Play on the drum channel.
    """
    channel = DRUM_CHANNEL if drums else 0
    # At one tick, a note off comes before a note on, or it would end the new note.
    events: list[tuple[int, int, mido.Message]] = []
    for note in score.notes:
        start, end = _ticks(note.start_s), _ticks(note.end_s)
        pitch, velocity = note.pitch, note.velocity
        on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
        off = mido.Message("note_off", channel=channel, note=pitch, velocity=0)
        events += [(start, 1, on), (max(end, start + 1), 0, off)]
    events.sort(key=lambda event: (event[0], event[1], event[2].note))

    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=MICROSECONDS_PER_BEAT, time=0))
    if bank:
        track.append(mido.Message("control_change", channel=channel, control=0, value=bank))
    track.append(mido.Message("program_change", channel=channel, program=program))
    now = 0
    for tick, _, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    closing = max(0, _ticks(score.duration_s) - now)
    track.append(mido.MetaMessage("end_of_track", time=closing))

    midi = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT)
    midi.tracks.append(track)
    midi.save(path)


def read_midi(path: Path) -> Score:
    """Read the notes of every track and channel of a standard MIDI file, pedals ignored.

    A note that is never ended lasts to the end of the file.
    """
    notes: list[Note] = []
    sounding: dict[tuple[int, int], tuple[float, int]] = {}
    now_s = 0.0

    def end(key: tuple[int, int]) -> None:
        if key in sounding:
            start_s, velocity = sounding.pop(key)
            notes.append(Note(start_s, now_s, key[1], velocity))

    for message in mido.MidiFile(path):
        now_s += message.time
        if message.type in ("note_on", "note_off"):
            key = (message.channel, message.note)
            end(key)
            if message.type == "note_on" and message.velocity > 0:
                sounding[key] = (now_s, message.velocity)
    for key in list(sounding):
        end(key)
    return Score(tuple(sorted(notes)), now_s)


def _ticks(time_s: float) -> int:
    return round(time_s * TICKS_PER_SECOND)
