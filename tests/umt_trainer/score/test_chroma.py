"""Pitch content is that of the notes, in any octave and timbre."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tunes import RATE, sines, sound, tune
from umt_trainer.score import chroma as module
from umt_trainer.score.chroma import chroma, cross_correlation, warping_distance

Array = NDArray[np.float64]


def notes_of(classes_F12: Array) -> list[int]:
    """The loudest pitch class in the middle of each 0.8 s."""
    return [int(c.argmax()) for c in classes_F12[10::20]]


def test_each_frame_has_the_pitch_class_of_its_note() -> None:
    pitches = [60, 73, 50, 87, 64, 45, 90, 67, 56, 81, 58, 71]
    found = chroma(sound(sines(tune(pitches, note_s=0.8))))
    assert found.shape == (len(pitches) * 20, 12)
    assert notes_of(found) == [pitch % 12 for pitch in pitches]


def test_frames_are_unit_vectors_without_mean_and_silence_is_zero() -> None:
    wav = np.concatenate([sines(tune([69])), np.zeros(RATE, np.float32)])
    found = chroma(sound(wav))
    np.testing.assert_allclose(np.linalg.norm(found[:8], axis=1), 1)
    np.testing.assert_allclose(found.sum(1), 0, atol=1e-12)
    assert not found[18:].any()  # half a window after the note's end


def test_the_same_notes_agree_in_another_octave_and_timbre_and_others_do_not() -> None:
    notes = [60, 65, 69, 62, 67, 71]
    one = chroma(sound(sines(tune(notes))))
    brighter = chroma(sound(sines(tune([n + 12 for n in notes]), overtones=(0.4, 0.1))))
    other = chroma(sound(sines(tune([n + 1 for n in notes]))))
    assert cross_correlation(one, one) == pytest.approx(1)
    assert cross_correlation(one, brighter) > 0.9
    assert cross_correlation(one, other) < 0.3
    assert warping_distance(one, one) == pytest.approx(0, abs=1e-12)
    assert warping_distance(one, brighter) < 0.1
    assert warping_distance(one, other) > 0.5


def test_a_lag_within_a_second_costs_only_the_ends() -> None:
    random = np.random.default_rng(1)
    one = random.standard_normal((100, 12))
    late = np.concatenate([np.zeros((25, 12)), one[:75]])
    wanted = np.sum(one[:75] ** 2) / np.sqrt(np.sum(one**2) * np.sum(one[:75] ** 2))
    assert cross_correlation(one, late) == pytest.approx(wanted)
    assert cross_correlation(late, one) == pytest.approx(wanted)
    later = np.concatenate([np.zeros((26, 12)), one[:74]])
    assert cross_correlation(one, later) < 0.5


def test_silence_agrees_with_nothing() -> None:
    random = np.random.default_rng(1)
    silent, heard = np.zeros((30, 12)), random.standard_normal((30, 12))
    heard /= np.linalg.norm(heard, axis=1, keepdims=True)
    assert cross_correlation(silent, heard) == 0
    assert warping_distance(silent, heard) == pytest.approx(1)
    assert warping_distance(silent, silent) == 0


def slow_warping(one: Array, other: Array) -> float:
    """Every cell, by the recursion as it is written."""
    table = np.full((len(one) + 1, len(other) + 1), np.inf)
    table[0, 0] = 0
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            cost = 1 - one[i - 1] @ other[j - 1]
            table[i, j] = min(
                table[i - 1, j] + cost, table[i, j - 1] + cost, table[i - 1, j - 1] + 2 * cost
            )
    return float(table[-1, -1] / (len(one) + len(other)))


@given(
    lengths=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seed=st.integers(0, 1000),
)
def test_warping_is_that_of_the_slow_recursion(lengths: tuple[int, int], seed: int) -> None:
    random = np.random.default_rng(seed)
    one, other = (random.standard_normal((length, 12)) for length in lengths)
    one /= np.linalg.norm(one, axis=1, keepdims=True)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    assert warping_distance(one, other) == pytest.approx(slow_warping(one, other))


def test_warping_follows_a_slower_performance(monkeypatch: pytest.MonkeyPatch) -> None:
    one = np.repeat(np.eye(12)[[0, 4, 7, 2]], 10, axis=0)
    slower = np.repeat(np.eye(12)[[0, 4, 7, 2]], 14, axis=0)
    assert warping_distance(one, slower) == pytest.approx(0)
    assert cross_correlation(one, slower) < 0.8
    late = np.concatenate([np.tile(np.eye(12)[9], (5, 1)), one])[: len(one)]
    whole = warping_distance(one, late)
    monkeypatch.setattr(module, "BAND", 2)
    assert warping_distance(one, late) > whole  # further than it may shift
