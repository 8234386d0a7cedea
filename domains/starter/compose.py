"""Practice music by rule: endless variety, no downloaded data, the same for the same seed.

A piece is a chain of sections, each with its own key, tempo, texture and dynamics. The music
need not be beautiful; it has to show a listening network everything that hands, bows and
breath can do, in every register, and often enough against the rules of harmony that the
network must listen instead of guessing.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from starter.chordal import DOUBLE_STOPS, POLYPHONIC, cloud, clusters, reiterated_chords
from starter.rubato import rubato
from starter.score import SHORTEST_NOTE_S, Score, without_overlaps
from starter.section import Section
from starter.textures import MONOPHONIC, Texture, random_line, reiterated
from starter.theory import Key, progression
from umt_trainer.midi import Note


@dataclass(frozen=True)
class Style:
    """What an instrument can be asked to play."""

    low: int = 36
    """Lowest MIDI pitch."""
    high: int = 96
    """Highest MIDI pitch."""
    max_voices: int = 6
    """How many notes may begin together; 1 asks for single lines."""
    fastest_s: float = 0.083
    """Shortest time between two notes of a line: 0.083 s is 12 notes a second."""
    decay_s: tuple[float, float, float] | None = None
    """How long the sound lasts at MIDI pitches 36, 60 and 84; None where it sustains."""
    atonal: float = 0.12
    """Share of sections that ignore harmony."""

    @property
    def speaks_slowly(self) -> bool:
        """Whether its notes rise so slowly that it is hard to hear when they begin."""
        return self.fastest_s >= 0.1

    def longest_s(self, pitch: int) -> float:
        """How long a note of ``pitch`` is heard at most, however long it is held.

        >>> Style(decay_s=(4.0, 2.0, 1.0)).longest_s(72)
        1.4142135623730951
        """
        if self.decay_s is None:
            return float("inf")
        low, middle, high = self.decay_s
        octaves = (min(max(pitch, 24), 108) - 60) / 24
        ratio = high / middle if octaves > 0 else middle / low
        return max(0.12, middle * math.pow(ratio, octaves))


def compose(seed: int, style: Style, duration_s: float) -> Score:
    """Compose a piece.

    Args:
        seed: The same seed, style and duration give the same piece.
        style: What the instrument can play.
        duration_s: Length of the piece; the last notes end within it.

    Returns:
        A score in which no two notes of one pitch overlap and every note lies in range.
    """
    rng = random.Random(seed)
    raw: list[Note] = []
    now_s = rng.uniform(0.05, 0.6)
    low_first = rng.random() < 0.5
    index = 0
    while now_s < duration_s - 0.3:
        section = _section(rng, style, now_s, duration_s, high_half=(index % 2 == 0) != low_first)
        texture = _texture(rng, style)
        raw += texture(section)
        now_s = section.end_s
        if rng.random() < 0.25:
            now_s += rng.uniform(0.2, 1.5)  # a breath: silence has to be learnt as well
        index += 1
    if rng.random() < 0.4:
        stretch = rubato(rng, duration_s)
        raw = [replace(n, start_s=stretch(n.start_s), end_s=stretch(n.end_s)) for n in raw]
    return Score(playable(raw, style, duration_s), duration_s)


def _texture(rng: random.Random, style: Style) -> Texture:
    if rng.random() < style.atonal:
        return random_line if style.max_voices < 3 else rng.choice((random_line, clusters, cloud))
    if style.speaks_slowly and rng.random() < 0.2:
        # one bow or breath after another on the same notes: heard as one unless practised
        return reiterated_chords if style.max_voices > 2 else reiterated
    if style.max_voices == 2 and rng.random() < 0.25:
        return rng.choice(DOUBLE_STOPS)
    if style.max_voices > 2 and rng.random() < 0.8:
        return rng.choice(POLYPHONIC)
    return rng.choice(MONOPHONIC)


def _section(
    rng: random.Random, style: Style, start_s: float, duration_s: float, *, high_half: bool
) -> Section:
    key = Key.draw(rng)
    beat_s = 60 / rng.uniform(50, 180)
    num_chords = rng.choice((1, 2, 2, 3, 4, 4, 6))
    chords = progression(rng, key, num_chords)
    beats_per_chord = rng.choice((1, 2, 3, 4, 4, 8))
    # Long chords at slow tempi would leave room for two sections in a whole piece.
    length_s = min(max(2.0, num_chords * beats_per_chord * beat_s), 9.0, duration_s - start_s)
    span = style.high - style.low
    window = min(span, rng.choice((14, 19, 24, 31, 43, 60)))
    # Sections alternate between the halves of the range, and may lean on its ends: drawing the
    # centre evenly would play the outer pitches rarely.
    slack = span - window
    place = rng.uniform(0.4, 1.35) if high_half else rng.uniform(-0.35, 0.6)
    low = style.low + round(slack * min(1.0, max(0.0, place)))
    velocity = rng.choice((28, 42, 56, 70, 84, 98, 112)) + rng.randrange(-8, 9)
    return Section(
        rng=rng,
        start_s=start_s,
        end_s=start_s + length_s,
        beat_s=beat_s,
        key=key,
        chords=chords,
        low=low,
        high=low + window,
        range_low=style.low,
        range_high=style.high,
        max_voices=style.max_voices,
        fastest_s=style.fastest_s,
        velocity=velocity,
        velocity_slope=rng.choice((0, 0, 0, 1, -1)) * rng.uniform(15, 45),
        jitter_s=rng.choice((0.0, 0.004, 0.008, 0.015)),
        swing=rng.choice((0.0, 0.0, 0.1, 0.3)),
        articulation=rng.choice((0.35, 0.6, 0.85, 0.93, 0.97, 1.0, 1.03, 1.15)),
    )


def playable(raw: Iterable[Note], style: Style, duration_s: float) -> tuple[Note, ...]:
    """Cut what an instrument could not play: overlaps, overlong and overfull notes."""
    inside = [n for n in raw if style.low <= n.pitch <= style.high and n.start_s >= 0]
    struck = [replace(n, velocity=min(127, max(20, n.velocity))) for n in inside]
    notes = sorted(_within(note, style, duration_s) for note in without_overlaps(struck))
    if style.max_voices == 1:
        notes = _single_line(notes)
    return tuple(note for note in notes if note.end_s - note.start_s >= SHORTEST_NOTE_S)


def _within(note: Note, style: Style, duration_s: float) -> Note:
    latest_s = note.start_s + style.longest_s(note.pitch)
    return replace(note, end_s=min(note.end_s, latest_s, duration_s))


def _single_line(notes: list[Note]) -> list[Note]:
    """One voice: a note ends soon after the next begins, as a legato overlap at most."""
    line: list[Note] = []
    for note in notes:
        if line:
            before = line[-1]
            if note.start_s - before.start_s < SHORTEST_NOTE_S:
                continue
            end_s = min(before.end_s, note.start_s + 0.03)
            line[-1] = Note(before.start_s, end_s, before.pitch, before.velocity)
        line.append(note)
    return line
