"""One stretch of a piece in one texture, and the hands that play it."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starter.theory import Key
from umt_trainer.midi import Note

RHYTHMS: tuple[tuple[float, ...], ...] = (
    (1, 1, 1, 1),
    (0.5, 0.5, 1, 0.5, 0.5, 1),
    (0.25, 0.25, 0.25, 0.25, 0.5, 0.5),
    (1.5, 0.5, 1, 1),
    (0.75, 0.25, 0.75, 0.25),
    (2, 1, 1),
    (1 / 3, 1 / 3, 1 / 3, 1),
    (0.5, 1, 0.5, 1, 1),
    (3, 1),
    (4,),
)
"""Durations in beats that repeat through a section, as motifs do."""


@dataclass(frozen=True)
class Section:
    """What every note of a stretch has in common."""

    rng: random.Random
    start_s: float
    end_s: float
    beat_s: float
    key: Key
    chords: tuple[frozenset[int], ...]
    """One after another, each for the same time, as sets of pitch classes."""
    low: int
    """The register of this section."""
    high: int
    range_low: int
    """All that the instrument has."""
    range_high: int
    max_voices: int
    fastest_s: float
    velocity: int
    velocity_slope: float
    """How much louder the section ends than it begins."""
    jitter_s: float
    """How far hands stray from the beat, as a standard deviation."""
    swing: float
    """By which part of itself every second short note is late."""
    articulation: float
    """Sounding part of a note's time: 0.3 is staccato, more than 1 overlaps the next."""

    @property
    def length_s(self) -> float:
        """Duration of the section."""
        return self.end_s - self.start_s

    def chord_spans(self) -> Iterator[tuple[float, float, frozenset[int]]]:
        """Each chord with its start and end."""
        each_s = self.length_s / len(self.chords)
        for index, chord in enumerate(self.chords):
            yield self.start_s + index * each_s, self.start_s + (index + 1) * each_s, chord

    def chord_at(self, time_s: float) -> frozenset[int]:
        """The chord that sounds at ``time_s``."""
        position = (time_s - self.start_s) / max(self.length_s, 1e-6) * len(self.chords)
        return self.chords[min(len(self.chords) - 1, max(0, int(position)))]

    def voicing(self, chord: frozenset[int], low: int, high: int) -> list[int]:
        """All pitches of ``chord`` from ``low`` to ``high``, rising."""
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in chord]

    def sounding(self, chord: frozenset[int], num_notes: int) -> list[int]:
        """Choose ``num_notes`` pitches of ``chord`` in the register, rising, close or spread."""
        pool = self.voicing(chord, self.low, self.high)
        if self.rng.random() < 0.6 and len(pool) > num_notes:
            first = self.rng.randrange(len(pool) - num_notes + 1)
            return pool[first : first + num_notes]
        return sorted(self.rng.sample(pool, min(num_notes, len(pool))))

    def beats(self) -> Iterator[tuple[float, float]]:
        """Start and duration of each note of a rhythm that fills the section."""
        motif = self.rng.choice(RHYTHMS)
        stretch = self.rng.choice((0.5, 1.0, 1.0, 1.0, 2.0, 2.0)) * self.beat_s
        yield from self.steps([stretch * beats for beats in motif])

    def steps(self, durations_s: Sequence[float]) -> Iterator[tuple[float, float]]:
        """Repeat ``durations_s``, none under the fastest, until the section ends."""
        now_s, index = self.start_s, 0
        while now_s < self.end_s - 0.02:
            step_s = max(self.fastest_s, durations_s[index % len(durations_s)])
            late_s = self.swing * step_s if index % 2 and step_s < 0.75 * self.beat_s else 0.0
            yield now_s + late_s, step_s - late_s
            # Rubato: the beat itself drifts by a few hundredths.
            now_s += step_s * (1 + 0.03 * self.rng.gauss(0, 1) * (self.jitter_s > 0))
            index += 1

    def note(
        self,
        start_s: float,
        step_s: float,
        pitch: int,
        *,
        accent: float = 0.0,
        articulation: float | None = None,
    ) -> Note:
        """Play ``pitch`` as a human would: near the beat, near the dynamics.

        Args:
            start_s: Where the beat is.
            step_s: Time until the next note of this voice.
            pitch: MIDI pitch.
            accent: Velocity above the line's.
            articulation: Instead of the section's.
        """
        part = self.articulation if articulation is None else articulation
        part *= self.rng.uniform(0.93, 1.07)
        begin_s = max(0.0, start_s + self.rng.gauss(0, 1) * self.jitter_s)
        progress = (start_s - self.start_s) / max(self.length_s, 1e-6)
        velocity = self.velocity + self.velocity_slope * (progress - 0.5) + accent
        velocity += self.rng.gauss(0, 4)
        # However staccato, an instrument that speaks slowly has to be given time to speak.
        length_s = max(0.06, 0.6 * self.fastest_s, step_s * part)
        return Note(begin_s, begin_s + length_s, pitch, round(min(127, max(20, velocity))))
