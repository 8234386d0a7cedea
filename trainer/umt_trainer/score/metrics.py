"""All metrics of a translation, each beside what copying and the true instrument would get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from umt_trainer.score.chroma import chroma, cross_correlation, warping_distance
from umt_trainer.score.clicks import num_clicks
from umt_trainer.score.mel import log_mel_distance
from umt_trainer.score.notes import Note, agreement
from umt_trainer.score.onsets import num_written, onsets_s
from umt_trainer.score.pitch import contour, pitch_correlation, pitch_distance
from umt_trainer.score.sound import Sound
from umt_trainer.score.transcriber import Transcriber

Values = dict[str, float]
"""By side: `translation`, `source` (copied as it is) and `true` (the rendering, if given)."""


@dataclass(frozen=True)
class Metric:
    """What is measured, and which way is better."""

    name: str
    unit: str
    better: Literal["more", "less"]

    def is_worse(self, value: float, limit: float) -> bool:
        """Whether a value misses a limit."""
        return value < limit if self.better == "more" else value > limit


NOTE_PRECISION = Metric("note_precision", "share", "more")
NOTE_RECALL = Metric("note_recall", "share", "more")
NOTE_F1 = Metric("note_f1", "share", "more")
NOTE_F1_SHARE = Metric("note_f1_share", "of true", "more")
CHROMA_NCC = Metric("chroma_ncc", "−1 … 1", "more")
CHROMA_DTW = Metric("chroma_dtw", "0 … 2", "less")
PITCH_NCC = Metric("pitch_ncc", "−1 … 1", "more")
PITCH_DTW = Metric("pitch_dtw", "octaves", "less")
LOG_MEL_DISTANCE = Metric("log_mel_distance", "dB", "less")
LOG_MEL_SHARE = Metric("log_mel_share", "of copy", "less")
ONSET_ERROR = Metric("onset_error", "share", "less")
LOUDNESS_DIFFERENCE = Metric("loudness_difference", "LU", "less")
CLICKS = Metric("clicks", "", "less")
RECOGNISED = Metric("recognised", "share", "more")
METRICS = (
    NOTE_PRECISION,
    NOTE_RECALL,
    NOTE_F1,
    NOTE_F1_SHARE,
    CHROMA_NCC,
    CHROMA_DTW,
    PITCH_NCC,
    PITCH_DTW,
    LOG_MEL_DISTANCE,
    LOG_MEL_SHARE,
    ONSET_ERROR,
    LOUDNESS_DIFFERENCE,
    CLICKS,
    RECOGNISED,
)


@dataclass(frozen=True)
class Case:
    """A translation and all that is known about what it should be."""

    translation: Sound
    source: Sound
    true: Sound | None = None
    """The same music, played by the instrument itself."""
    written: Sequence[Note] | None = None
    """The score."""

    @property
    def sides(self) -> dict[str, Sound]:
        """The translation and its baselines."""
        sides = {"translation": self.translation, "source": self.source}
        return sides if self.true is None else sides | {"true": self.true}


def measure(
    case: Case,
    transcribe: Transcriber | None = None,
    recognise: Callable[[Sound], float] | None = None,
) -> dict[Metric, Values]:
    """Measure what can be measured.

    Args:
        case: the sounds.
        transcribe: hears notes; without it there are no note metrics.
        recognise: tells how much of a sound is of the wanted domain, 0 … 1.

    Returns:
        The metrics in order. One that nothing is known for, e.g. a distance to a true
        rendering that was not given, is left out.
    """
    found = (_notes(case, transcribe) if transcribe else {}) | _spectra(case) | _levels(case)
    if recognise is not None:
        found[RECOGNISED] = {side: recognise(sound) for side, sound in case.sides.items()}
    return {metric: found[metric] for metric in METRICS if found.get(metric)}


def _notes(case: Case, transcribe: Transcriber) -> dict[Metric, Values]:
    """Notes against the score; without one, against those heard in the best there is."""
    heard = {side: transcribe(sound) for side, sound in case.sides.items()}
    reference = case.written or heard.get("true", heard["source"])
    if not reference:
        return {}
    agreed = {side: agreement(reference, notes) for side, notes in heard.items()}
    found = {
        NOTE_PRECISION: {side: a.precision for side, a in agreed.items()},
        NOTE_RECALL: {side: a.recall for side, a in agreed.items()},
        NOTE_F1: {side: a.f1 for side, a in agreed.items()},
    }
    if case.written and "true" in agreed and agreed["true"].f1:
        found[NOTE_F1_SHARE] = {"translation": agreed["translation"].f1 / agreed["true"].f1}
    return found


def _spectra(case: Case) -> dict[Metric, Values]:
    """Pitch content against the source's, timbre against the true rendering's."""
    contours = {side: contour(sound) for side, sound in case.sides.items()}
    source_F = contours["source"]
    chromas = {side: chroma(sound) for side, sound in case.sides.items()}
    source_F12 = chromas["source"]
    found = {
        CHROMA_NCC: {side: cross_correlation(source_F12, c) for side, c in chromas.items()},
        CHROMA_DTW: {side: warping_distance(source_F12, c) for side, c in chromas.items()},
        PITCH_NCC: {side: pitch_correlation(source_F, c) for side, c in contours.items()},
        PITCH_DTW: {side: pitch_distance(source_F, c) for side, c in contours.items()},
    }
    if case.true is not None:
        distances = {side: log_mel_distance(sound, case.true) for side, sound in case.sides.items()}
        known = {side: d for side, d in distances.items() if d is not None}
        found[LOG_MEL_DISTANCE] = known
        if known.get("source") and "translation" in known:
            found[LOG_MEL_SHARE] = {"translation": known["translation"] / known["source"]}
    return found


def _levels(case: Case) -> dict[Metric, Values]:
    """Onsets, loudness and clicks."""
    onsets = {side: len(onsets_s(sound)) for side, sound in case.sides.items()}
    wanted = num_written(case.written) if case.written else onsets.get("true", onsets["source"])
    found = {CLICKS: {side: float(num_clicks(sound)) for side, sound in case.sides.items()}}
    if wanted:
        found[ONSET_ERROR] = {side: abs(n / wanted - 1) for side, n in onsets.items()}
    found[LOUDNESS_DIFFERENCE] = {
        side: _loudness_difference(sound, case.source) for side, sound in case.sides.items()
    }
    return found


def _loudness_difference(one: Sound, other: Sound) -> float:
    if one.loudness_lufs == other.loudness_lufs:  # both may be silent
        return 0.0
    return abs(one.loudness_lufs - other.loudness_lufs)
