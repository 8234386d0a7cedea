"""Keys, scales and chord progressions: just enough of them to sound like music."""

import random
from dataclasses import dataclass

SCALES: tuple[tuple[int, ...], ...] = (
    (0, 2, 4, 5, 7, 9, 11),  # major
    (0, 2, 3, 5, 7, 8, 11),  # harmonic minor
    (0, 2, 3, 5, 7, 8, 10),  # natural minor
    (0, 2, 3, 5, 7, 9, 10),  # dorian
    (0, 2, 4, 5, 7, 9, 10),  # mixolydian
    (0, 1, 3, 5, 7, 8, 10),  # phrygian
    (0, 2, 4, 6, 7, 9, 11),  # lydian
    (0, 2, 4, 7, 9),  # major pentatonic
    (0, 3, 5, 7, 10),  # minor pentatonic
    (0, 2, 4, 6, 8, 10),  # whole tone
    (0, 3, 4, 7, 8, 11),  # augmented
    (0, 2, 3, 5, 6, 8, 9, 11),  # diminished
)

SCALE_WEIGHTS = (8, 4, 4, 2, 2, 1, 1, 2, 2, 1, 1, 1)

# Which degree (0 is the tonic) may follow which, in functional harmony.
FOLLOWERS: dict[int, tuple[int, ...]] = {
    0: (3, 4, 5, 1, 2, 3, 4),
    1: (4, 4, 6, 3),
    2: (5, 3, 5),
    3: (4, 0, 1, 4),
    4: (0, 0, 5, 0, 3),
    5: (1, 3, 4, 2),
    6: (0, 0, 2),
}


@dataclass(frozen=True)
class Key:
    """A tonic and its scale."""

    tonic: int
    """Pitch class, 0 for C."""
    scale: tuple[int, ...]
    """Semitones above the tonic, rising, within an octave."""

    @classmethod
    def draw(cls, rng: random.Random) -> "Key":
        """Draw a key, the common modes more often than the rare ones."""
        return cls(rng.randrange(12), rng.choices(SCALES, SCALE_WEIGHTS)[0])

    def pitch(self, degree: int) -> int:
        """Semitones of ``degree`` above C, where degrees go on beyond the octave.

        >>> Key(tonic=2, scale=(0, 2, 4, 5, 7, 9, 11)).pitch(7)
        14
        """
        octave, step = divmod(degree, len(self.scale))
        return self.tonic + 12 * octave + self.scale[step]

    def pitches(self, low: int, high: int) -> list[int]:
        """Every pitch of the key from ``low`` to ``high``, both included."""
        classes = {(self.tonic + step) % 12 for step in self.scale}
        return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]


def progression(rng: random.Random, key: Key, num_chords: int) -> tuple[frozenset[int], ...]:
    """Draw chords, each a set of pitch classes, that follow one another as functions do."""
    degree = rng.choice((0, 0, 0, 3, 4, 5))
    chords = []
    for _ in range(num_chords):
        sizes = rng.choice(((0, 2, 4), (0, 2, 4), (0, 2, 4, 6), (0, 3, 4), (0, 4), (0, 2, 4, 8)))
        chords.append(frozenset(key.pitch(degree + third) % 12 for third in sizes))
        degree = rng.choice(FOLLOWERS[degree])
    return tuple(chords)
