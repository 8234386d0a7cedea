"""Onsets are heard where notes begin."""

from __future__ import annotations

import numpy as np
import pytest

from tunes import RATE, sines, sound, tune
from umt_trainer.score.notes import Note
from umt_trainer.score.onsets import num_written, onsets_s


@pytest.mark.parametrize("level", [0.3, 0.01])
def test_each_note_of_a_melody_is_one_onset(level: float) -> None:
    notes = tune([60, 64, 67, 72, 67, 67, 60], note_s=0.4)
    found = onsets_s(sound(sines(notes, overtones=(0.5, 0.3, 0.2), level=level)))
    assert found == pytest.approx([note.start_s for note in notes], abs=0.04)


def test_a_note_over_one_that_sounds_on_is_heard() -> None:
    notes = [Note(0.0, 2.0, 48), Note(0.7, 2.0, 64), Note(1.4, 2.0, 67)]
    found = onsets_s(sound(sines(notes, overtones=(0.7, 0.6, 0.5, 0.4, 0.3))))
    assert found == pytest.approx([0.0, 0.7, 1.4], abs=0.04)


def test_a_long_note_and_silence_have_no_more() -> None:
    assert len(onsets_s(sound(sines([Note(0, 5, 69)])))) == 1
    assert len(onsets_s(sound(np.zeros(RATE, np.float32)))) == 0
    assert len(onsets_s(sound(np.zeros(0, np.float32)))) == 0


def test_a_chord_is_one_written_onset() -> None:
    chord = [Note(1.0, 2.0, 60), Note(1.02, 2.0, 64), Note(1.04, 2.0, 67)]
    assert num_written([*chord, Note(1.06, 2.0, 72)]) == 2
    assert num_written([]) == 0
