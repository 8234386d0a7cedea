"""Notes out of our own encoder: from activations that are known, and from the sample."""

from pathlib import Path

import numpy as np
import pytest

import umt_domains
from starter.ear import Ear, find_notes
from starter.sample import BASS, MELODY, score
from umt_trainer.score.notes import Note, agreement
from umt_trainer.score.sound import load_sound

ENCODER = Path(umt_domains.__path__[0]) / "weights" / "encoders" / "harmonic-1.safetensors"

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sample.flac"


def silence(num_frames: int = 100) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((88, num_frames), np.float32), np.zeros((88, num_frames), np.float32)


def test_a_note_lasts_while_it_sounds() -> None:
    frame, onset = silence()
    frame[39, 20:45], onset[39, 19:22] = 0.9, (0.4, 0.8, 0.4)
    (note,) = find_notes(frame, onset)
    # the middle of frame 20 lies at 0.41 s
    assert (note.pitch, note.start_s, note.end_s) == (60, pytest.approx(0.41), pytest.approx(0.91))


def test_an_onset_between_two_frames_is_found_there() -> None:
    frame, onset = silence()
    frame[39, 20:45] = 0.9
    at = np.arange(100)
    onset[39] = np.maximum(0, 1 - 0.2 * (at - 20.3) ** 2)
    (note,) = find_notes(frame, onset)
    assert note.start_s == pytest.approx((20.3 + 0.5) / 50, abs=1e-3)


def test_a_note_struck_again_is_two() -> None:
    frame, onset = silence()
    frame[39, 20:60], onset[39, (20, 40)] = 0.9, 0.8
    first, second = find_notes(frame, onset)
    assert first.end_s == pytest.approx(second.start_s)


def test_faint_strikes_and_strikes_of_nothing_are_no_notes() -> None:
    frame, onset = silence()
    frame[39, 20:45], onset[39, 20] = 0.9, 0.2
    onset[50, 20] = 0.9
    assert find_notes(frame, onset) == []


def test_the_bundled_encoder_hears_the_minuet() -> None:
    parts = score(MELODY, 104, 0.92), score(BASS, 96, 0.98)
    written = [Note(n.start_s, n.end_s, n.pitch) for part in parts for n in part.notes]
    assert agreement(written, Ear(ENCODER)(load_sound(SAMPLE))).f1 > 0.75
