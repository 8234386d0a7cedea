"""Notes are matched by pitch and onset, as many as can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from umt_trainer.score.notes import Agreement, Note, agreement, num_matches

NOTES = st.lists(
    st.builds(
        lambda start, pitch: Note(start / 100, start / 100 + 1, pitch),
        st.integers(0, 25),
        st.integers(60, 61),
    ),
    max_size=6,
)


def largest_matching(reference: list[Note], heard: list[Note]) -> int:
    """By trying everything."""
    if not reference:
        return 0
    first, others = reference[0], reference[1:]
    best = largest_matching(others, heard)
    for n, note in enumerate(heard):
        near = abs(round(100 * note.start_s) - round(100 * first.start_s)) <= 5
        if near and note.pitch == first.pitch:
            best = max(best, 1 + largest_matching(others, heard[:n] + heard[n + 1 :]))
    return best


@given(reference=NOTES, heard=NOTES)
def test_no_pairing_has_more_pairs(reference: list[Note], heard: list[Note]) -> None:
    assert num_matches(reference, heard) == largest_matching(reference, heard)


def at(start_s: float, pitch: int = 60) -> Note:
    return Note(start_s, start_s + 1, pitch)


def test_precision_recall_and_f1_of_a_known_case() -> None:
    reference = [at(0), at(1), at(2), at(3)]
    heard = [at(0.04), at(1.06), at(2, 61), at(3), at(3.01)]
    agreed = agreement(reference, heard)
    assert (agreed.precision, agreed.recall) == (2 / 5, 2 / 4)
    assert agreed.f1 == pytest.approx(2 * 2 / (5 + 4))


@pytest.mark.parametrize(("late_s", "matches"), [(0.05, 1), (-0.05, 1), (0.051, 0), (-0.051, 0)])
def test_50_ms_are_near_and_more_are_not(late_s: float, matches: int) -> None:
    assert num_matches([at(0.3)], [at(0.3 + late_s)]) == matches


def test_a_note_is_matched_once() -> None:
    assert agreement([at(0)], [at(0), at(0)]) == Agreement(0.5, 1.0)


@pytest.mark.parametrize(("reference", "heard"), [([], []), ([at(0)], []), ([], [at(0)])])
def test_where_there_is_nothing_nothing_agrees(reference: list[Note], heard: list[Note]) -> None:
    assert agreement(reference, heard).f1 == 0
