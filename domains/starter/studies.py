"""Music for judging: other rules than `compose`, so that what is measured is not practice.

A study has bars, phrases of four of them that end in cadences, and one form throughout: a
song, a waltz, a prelude, a chorale or an invention. It is worked out in beats and then played,
with a pulse, an arch of loudness over each phrase and a ritardando at the end.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from starter.compose import Style, playable
from starter.score import Score
from umt_trainer.midi import Note

MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)

# Degrees of one bar each, 0 being the tonic.
PHRASES = (
    (0, 3, 4, 0),
    (0, 5, 1, 4),
    (0, 4, 5, 2),
    (3, 0, 4, 4),
    (5, 3, 0, 4),
    (0, 0, 3, 4),
    (1, 4, 0, 0),
    (3, 1, 4, 0),
)

# Rhythms of a bar of three and of four beats.
CELLS: dict[int, tuple[tuple[float, ...], ...]] = {
    3: ((1, 1, 1), (2, 1), (1.5, 0.5, 1), (0.5, 0.5, 1, 1), (3,), (1, 0.5, 0.5, 0.5, 0.5)),
    4: (
        *((1, 1, 1, 1), (2, 1, 1), (1.5, 0.5, 2), (1, 0.5, 0.5, 1, 1), (4,), (3, 1)),
        *((0.5, 0.5, 0.5, 0.5, 1, 1), (0.25, 0.25, 0.25, 0.25, 1, 0.5, 0.5, 1)),
    ),
}

Beat = tuple[float, float, int, float]
"""Beginning and length in beats, pitch, and how much it stands out (velocity)."""


@dataclass(frozen=True)
class Plan:
    """What all voices of a study agree on."""

    rng: random.Random
    tonic: int
    scale: tuple[int, ...]
    beats_per_bar: int
    degrees: tuple[int, ...]
    """The chord of every bar."""
    low: int
    high: int

    def bars(self) -> Iterator[tuple[float, int]]:
        """Each bar's first beat and its degree."""
        for number, degree in enumerate(self.degrees):
            yield float(number * self.beats_per_bar), degree

    def chord(self, degree: int, low: int, high: int) -> list[int]:
        """All pitches of a triad within a range, rising."""
        classes = {(self.tonic + self.scale[(degree + k) % 7]) % 12 for k in (0, 2, 4)}
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]

    def notes(self, low: int, high: int) -> list[int]:
        """All pitches of the scale within a range, rising."""
        classes = {(self.tonic + step) % 12 for step in self.scale}
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]


def study(seed: int, style: Style, duration_s: float) -> Score:
    """Write a study that an instrument can play; the same for the same seed.

    Args:
        seed: Another one gives another study.
        style: What the instrument can play.
        duration_s: Of the whole.
    """
    rng = random.Random(seed)
    beats_per_bar = rng.choice((3, 4, 4))
    beat_s = max(60 / rng.uniform(66, 138), 4 * style.fastest_s)
    num_bars = max(2, int((duration_s - 1.5) / (beat_s * beats_per_bar)))
    degrees: list[int] = []
    while len(degrees) < num_bars:
        degrees += rng.choice(PHRASES)
    plan = Plan(
        rng=rng,
        tonic=rng.randrange(12),
        scale=rng.choice((MAJOR, MAJOR, MINOR)),
        beats_per_bar=beats_per_bar,
        degrees=(*degrees[: num_bars - 1], 0),
        low=style.low,
        high=style.high,
    )
    forms = SOLOS if style.max_voices == 1 else DUOS if style.max_voices == 2 else FORMS
    beats = rng.choice(forms)(plan)
    notes = _played(beats, plan, beat_s, duration_s)
    return Score(playable(notes, style, duration_s), duration_s)


def song(plan: Plan) -> list[Beat]:
    """A tune alone, its second phrase like the first."""
    middle = (plan.low + plan.high) // 2
    return _tune(plan, max(plan.low, middle - 10), min(plan.high, middle + 12))


def etude(plan: Plan) -> list[Beat]:
    """Scales and thirds in even notes."""
    rng, notes = plan.rng, plan.notes(plan.low, plan.high)
    at, direction = len(notes) // 2, 1
    leap = rng.choice((1, 1, 2))
    step = rng.choice((0.25, 0.5))
    beats: list[Beat] = []
    for number in range(round(len(plan.degrees) * plan.beats_per_bar / step)):
        if not 2 <= at + direction * leap < len(notes) - 2 or rng.random() < 0.05:
            direction = -direction
        at += direction * (leap if number % 2 == 0 else max(1, leap - 1))
        at = min(len(notes) - 1, max(0, at))
        beats.append((number * step, 0.9 * step, notes[at], 0))
    return beats


def invention(plan: Plan) -> list[Beat]:
    """Two voices: the lower one answers the upper a bar later, an octave or two below."""
    split = (plan.low + plan.high) // 2
    upper = _tune(plan, split, min(plan.high, split + 17))
    away = 12 if plan.high - plan.low < 40 else 24
    answer = [
        (start + plan.beats_per_bar, length, pitch - away, -6)
        for start, length, pitch, _ in upper
        if pitch - away >= plan.low
    ]
    return upper + answer


def waltz(plan: Plan) -> list[Beat]:
    """A bass note on one, chords on the beats after, a tune above."""
    split = min(plan.high - 13, max(plan.low + 16, (plan.low + plan.high) // 2))
    beats = _tune(plan, split, min(plan.high, split + 17))
    for start, degree in plan.bars():
        bass, *_ = plan.chord(degree, max(plan.low, split - 24), split)
        chord = plan.chord(degree, split - 9, split)[:3]
        beats.append((start, 0.9, bass, -4))
        for beat in range(1, plan.beats_per_bar):
            beats += [(start + beat, 0.6, pitch, -14) for pitch in chord]
    return beats


def prelude(plan: Plan) -> list[Beat]:
    """Every chord as one figure that goes up and comes back; its bass is held."""
    size = plan.rng.randint(4, 6)
    figure = [*range(1, size), *range(size - 2, 1, -1)]
    step = plan.rng.choice((0.25, 0.5))
    low = plan.rng.randint(plan.low, max(plan.low, plan.high - 30))
    beats: list[Beat] = []
    for start, degree in plan.bars():
        tones = plan.chord(degree, low, plan.high)[:size]
        beats.append((start, plan.beats_per_bar, tones[0], 4))
        for number in range(1, round(plan.beats_per_bar / step)):
            tone = tones[figure[number % len(figure)] % len(tones)]
            beats.append((start + number * step, step, tone, 0))
    return beats


def chorale(plan: Plan) -> list[Beat]:
    """Four voices in chords, each going to its nearest tone, with passing notes between."""
    rng, low = plan.rng, max(plan.low, (plan.low + plan.high) // 2 - 20)
    voices = [min(plan.high, low + offset) for offset in (4, 13, 18, 25)]
    beats: list[Beat] = []
    for start, degree in plan.bars():
        for half in range(2):
            length = plan.beats_per_bar / 2
            chosen: list[int] = []
            for voice, at in enumerate(voices):
                tones = plan.chord(degree, low, plan.high)
                free = [tone for tone in tones if tone not in chosen] or tones
                chosen.append(min(free, key=lambda tone: abs(tone - at - rng.choice((-2, 0, 3)))))
                passing = rng.random() < 0.25
                begins = start + half * length
                beats.append((begins, length * (0.5 if passing else 1), chosen[-1], 3 * voice - 6))
                if passing:
                    near = plan.notes(chosen[-1] - 2, chosen[-1] + 2)
                    step = rng.choice(near)
                    if plan.low <= step <= plan.high:
                        beats.append((begins + length / 2, length / 2, step, -4))
            voices = chosen
    return beats


Form = Callable[[Plan], list[Beat]]
SOLOS: Sequence[Form] = (song, song, etude)
DUOS: Sequence[Form] = (song, etude, invention)
FORMS: Sequence[Form] = (waltz, prelude, chorale, invention, chorale)


def _tune(plan: Plan, low: int, high: int) -> list[Beat]:
    """Chord notes on the first beats of bars, steps between them, along an arch a phrase."""
    rng, scale = plan.rng, plan.notes(low, high)
    first, second = (rng.choice(CELLS[plan.beats_per_bar]) for _ in range(2))
    at = len(scale) // 2
    beats: list[Beat] = []
    for bar, (start, degree) in enumerate(plan.bars()):
        height = low + (high - low) * (0.3 + 0.5 * math.sin(math.pi * (bar % 4 + 0.5) / 4))
        now = start
        for number, length in enumerate(first if bar % 4 in (0, 2) else second):
            if number == 0:
                tones = plan.chord(degree, low, high)
                goal = min(tones, key=lambda tone: abs(tone - height) + rng.uniform(0, 5))
                at = min(range(len(scale)), key=lambda k: abs(scale[k] - goal))
            else:
                at = min(len(scale) - 1, max(0, at + rng.choice((-2, -1, -1, 0, 1, 1, 2))))
            beats.append((now, 0.95 * length, scale[at], 8))
            now += length
    return beats


def _played(beats: list[Beat], plan: Plan, beat_s: float, duration_s: float) -> list[Note]:
    """Beats as times: a steady pulse, human by a few milliseconds, slower in the last bars."""
    rng, total = plan.rng, len(plan.degrees) * plan.beats_per_bar
    middle = rng.uniform(55, 95)

    def time_s(beat: float) -> float:
        late = max(0.0, beat - (total - 4))
        return 0.25 + beat * beat_s + 0.035 * late**2 * beat_s

    notes = []
    for start, length, pitch, stress in beats:
        phrase = math.sin(math.pi * (start / (4 * plan.beats_per_bar) % 1))
        first = 6 if start % plan.beats_per_bar == 0 else 0
        velocity = round(middle + 14 * phrase + first + stress + rng.gauss(0, 3))
        begin_s = max(0.0, time_s(start) + rng.gauss(0, 0.006))
        end_s = min(duration_s, time_s(start + length))
        if end_s > begin_s:
            notes.append(Note(begin_s, end_s, pitch, min(120, max(25, velocity))))
    return notes
