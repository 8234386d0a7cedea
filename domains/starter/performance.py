"""How scores are played: programs, organ stops, vibrato, swells and scoops, as MIDI.

What is heard is more than what is written. An organist presses one key and four ranks of
pipes sound, up to three octaves apart; a singer slides into a note and lets it swell. The
score of such a piece holds the keys alone: a listening network has to learn the difference.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import mido

from starter.score import Score, save_track, ticks, without_overlaps
from umt_trainer.midi import DRUM_CHANNEL, Note

LOUDEST = 127
USUAL_VOLUME = 100
"""What a synthesizer takes if nothing is said: 4 dB below the loudest."""
BEND_RANGE_CENTS = 200
STEP_S = 0.01
"""Of scoops: how often the pitch wheel moves."""
SWELL_STEP_S = 0.1
CHANNELS = tuple(n for n in range(16) if n != DRUM_CHANNEL)


@dataclass(frozen=True)
class Stop:
    """Another sound for every key: a rank of organ pipes, or a player in unison.

    >>> Stop(19, semitones=24, highest=96).pitch(60), Stop(19, semitones=24, highest=96).pitch(80)
    (84, 92)
    """

    program: int
    semitones: int = 0
    """Above the key: 12 for 4', 19 for 2⅔', 24 for 2', −12 for 16'."""
    level_db: float = 0.0
    cents: float = 0.0
    highest: int = 108
    """Higher pitches break back by octaves, as mixtures do."""

    def pitch(self, key: int) -> int:
        """What sounds when ``key`` is pressed."""
        pitch = key + self.semitones
        return pitch - 12 * max(0, -(-(pitch - self.highest) // 12))


@dataclass(frozen=True)
class Touch:
    """What players add to the notes."""

    stops: tuple[Stop, ...] = ()
    vibrato: int = 0
    """Modulation wheel, 0–127."""
    swells: bool = False
    """Loudness comes and goes, also within a note."""
    scoop_cents: float = 0.0
    """How far below itself a note begins; for single lines."""


PLAIN = Touch()

Kind = Literal["notes", "drums", "noise"]
"""Only notes are written in scores; drums have a channel of their own."""


@dataclass(frozen=True)
class Part:
    """What one player plays."""

    score: Score
    program: int
    kind: Kind = "notes"
    touch: Touch = PLAIN
    level_db: float = 0.0


def written(parts: Sequence[Part]) -> Score:
    """The keys that all players press."""
    keys = [note for part in parts if part.kind == "notes" for note in part.score.notes]
    return Score(without_overlaps(keys), max(part.score.duration_s for part in parts))


def write_parts(parts: Sequence[Part], path: Path) -> None:
    """Write what is heard as a standard MIDI file.

    Raises:
        ValueError: the parts and their stops need more channels than MIDI has.
    """
    events: list[tuple[int, int, mido.Message]] = []
    free = iter(CHANNELS)
    for part in parts:
        if part.kind == "drums":
            events += _events(part, Stop(part.program), DRUM_CHANNEL)
            continue
        for stop in (Stop(part.program), *part.touch.stops):
            channel = next(free, None)
            if channel is None:
                raise ValueError(f"{path.name} needs more than {len(CHANNELS)} channels")
            events += _events(part, stop, channel)
    save_track(events, max(part.score.duration_s for part in parts), path)


def _events(part: Part, stop: Stop, channel: int) -> Iterator[tuple[int, int, mido.Message]]:
    """What one stop of a part does: (tick, order within it, message)."""
    touch, last_s = part.touch, part.score.duration_s

    def control(number: int, value: int) -> mido.Message:
        return mido.Message("control_change", channel=channel, control=number, value=value)

    # FluidSynth squares volume and expression: twice the value is 12 dB
    volume = round(USUAL_VOLUME * 10 ** ((part.level_db + stop.level_db) / 40))
    yield 0, -1, mido.Message("program_change", channel=channel, program=stop.program)
    yield 0, -1, control(7, min(LOUDEST, volume))
    yield 0, -1, _bend(channel, stop.cents)
    if touch.vibrato:
        yield 0, -1, control(1, touch.vibrato)
    if touch.swells:
        for time_s, value in _swells(part.score, last_s):
            yield ticks(time_s), -1, control(11, value)
    for note in part.score.notes:
        start, end = ticks(note.start_s), ticks(note.end_s)
        pitch = note.pitch if part.kind == "drums" else stop.pitch(note.pitch)
        on = mido.Message("note_on", channel=channel, note=pitch, velocity=note.velocity)
        off = mido.Message("note_off", channel=channel, note=pitch, velocity=0)
        yield start, 1, on
        yield max(end, start + 1), 0, off
        if touch.scoop_cents:
            for late_s, cents in _scoop(note, touch.scoop_cents):
                yield ticks(note.start_s + late_s), -1, _bend(channel, stop.cents - cents)


def _bend(channel: int, cents: float) -> mido.Message:
    wheel = round(8192 * cents / BEND_RANGE_CENTS)
    return mido.Message("pitchwheel", channel=channel, pitch=max(-8192, min(8191, wheel)))


def _scoop(note: Note, cents: float) -> Iterator[tuple[float, float]]:
    """(Seconds after the beginning, cents below): a tenth of a second at most, then none."""
    length_s = min(0.1, 0.3 * (note.end_s - note.start_s))
    num_steps = max(1, round(length_s / STEP_S))
    for step in range(num_steps + 1):
        yield step * length_s / num_steps, cents * (1 - step / num_steps)


def _swells(score: Score, duration_s: float) -> Iterator[tuple[float, int]]:
    """A slow wandering of expression between −8 and 0 dB, the same for the same score."""
    rng = random.Random(len(score.notes) * 1000 + round(1000 * duration_s))
    now_s, value, goal = 0.0, 110.0, 110.0
    while now_s < duration_s:
        if abs(value - goal) < 2:
            goal = rng.uniform(80, LOUDEST)
        value += max(-4.0, min(4.0, goal - value))
        yield now_s, round(value)
        now_s += SWELL_STEP_S
