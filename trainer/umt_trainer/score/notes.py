"""Notes, and how far two sets of them agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ONSET_TOLERANCE_S = 0.05


@dataclass(frozen=True, order=True)
class Note:
    """One note that was written or heard."""

    start_s: float
    end_s: float
    pitch: int
    """MIDI number; 69 is A440."""


@dataclass(frozen=True)
class Agreement:
    """Shares in 0 … 1; all are 0 where nothing matches."""

    precision: float
    """Of the notes heard, those that are in the reference."""
    recall: float
    """Of the reference's notes, those that were heard."""

    @property
    def f1(self) -> float:
        """Harmonic mean of the two."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def agreement(reference: Sequence[Note], heard: Sequence[Note]) -> Agreement:
    """Compare notes by pitch and onset, each matched with at most one; ends do not count.

    Source: Bay, Ehmann, Downie, Evaluation of Multiple-F0 Estimation and Tracking Systems
    (ISMIR 2009): notes of equal pitch match within 50 ms.
    """
    if not reference or not heard:
        return Agreement(0.0, 0.0)
    matches = num_matches(reference, heard)
    return Agreement(matches / len(heard), matches / len(reference))


def num_matches(reference: Iterable[Note], heard: Iterable[Note]) -> int:
    """The largest number of pairs of equal pitch and near onset; each note is in one at most.

    Pitch by pitch, onsets are paired from the first to the last. As all have the same
    tolerance, no other pairing has more pairs.
    """
    wanted, found = _onsets_by_pitch(reference), _onsets_by_pitch(heard)
    return sum(_num_near(onsets, found[pitch]) for pitch, onsets in wanted.items())


def _num_near(wanted_s: Sequence[float], found_s: Sequence[float]) -> int:
    matches = i = j = 0
    while i < len(wanted_s) and j < len(found_s):
        late_s = round(found_s[j] - wanted_s[i], 4)  # 50 ms is near, whatever its last bit says
        near = abs(late_s) <= ONSET_TOLERANCE_S
        matches += near
        i += near or late_s > 0
        j += near or late_s < 0
    return matches


def _onsets_by_pitch(notes: Iterable[Note]) -> dict[int, list[float]]:
    onsets: dict[int, list[float]] = defaultdict(list)
    for note in sorted(notes):
        onsets[note.pitch].append(note.start_s)
    return onsets
