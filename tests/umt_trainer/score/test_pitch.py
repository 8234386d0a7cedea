"""The pitch that stands out, on melodies whose notes are known."""

from __future__ import annotations

import numpy as np
import pytest

from tunes import RATE, sines, sound, tune
from umt_trainer.score.pitch import contour, pitch_correlation, pitch_distance

PITCHES = [60, 64, 67, 72, 67, 64, 62, 60]


def middles(contour_F: np.ndarray) -> list[float]:
    """In the middle of each half second, by 25 frames a second."""
    return [float(contour_F[round(12.5 * n + 6)]) for n in range(len(PITCHES))]


@pytest.mark.parametrize("overtones", [(), (0.5, 0.3, 0.2), (1.5, 1.2, 1.0, 0.8)])
def test_notes_are_followed_whatever_their_overtones(overtones: tuple[float, ...]) -> None:
    found = contour(sound(sines(tune(PITCHES), overtones)))
    assert middles(found) == pytest.approx(PITCHES, abs=0.25)


def test_a_pitch_without_its_fundamental_is_found() -> None:
    time_s = np.arange(2 * RATE) / RATE
    wav = sum(0.1 * np.sin(2 * np.pi * 220 * k * time_s) for k in (2, 3, 4, 5))
    assert contour(sound(wav))[25] == pytest.approx(57, abs=0.25)


def test_silence_has_no_pitch() -> None:
    silent = contour(sound(np.zeros(2 * RATE)))
    assert np.isnan(silent).all()
    heard = contour(sound(sines(tune(PITCHES))))
    assert pitch_correlation(silent, heard) == 0
    assert pitch_distance(silent, silent) == 0
    assert pitch_distance(silent, heard) == pytest.approx(1, abs=0.3)


def test_a_sound_agrees_with_itself() -> None:
    one = contour(sound(sines(tune(PITCHES))))
    assert pitch_correlation(one, one) == pytest.approx(1)
    assert pitch_distance(one, one) == 0


def test_another_key_correlates() -> None:
    one = contour(sound(sines(tune(PITCHES))))
    other = contour(sound(sines(tune([pitch + 7 for pitch in PITCHES]))))
    assert pitch_correlation(one, other) > 0.98


@pytest.mark.parametrize("num_frames", [7, 100, 333])
def test_a_single_pitch_correlates_with_nothing(num_frames: int) -> None:
    melody = np.repeat(PITCHES, 25).astype(float)
    for pitch in np.arange(36, 100, 0.2):  # the mean of many equal numbers may be another
        single = np.full(num_frames, pitch)
        assert pitch_correlation(single, single) == 0
        assert pitch_correlation(single, melody) == 0


def test_another_pitch_is_as_far_as_its_interval() -> None:
    one, other = (contour(sound(sines(tune([pitch] * 4)))) for pitch in (60, 63))
    assert pitch_distance(one, other) == pytest.approx(3 / 12, abs=0.01)


def test_more_than_an_octave_counts_as_one() -> None:
    one = contour(sound(sines(tune([60] * 8))))
    far = contour(sound(sines(tune([84] * 8))))
    assert pitch_distance(one, far) == pytest.approx(1)


def test_another_tempo_is_warped_another_melody_is_not() -> None:
    one = contour(sound(sines(tune(PITCHES))))
    slower = contour(sound(sines(tune(PITCHES, note_s=0.6))))
    other = contour(sound(sines(tune(PITCHES[::-1][3:] + PITCHES[:3]))))
    assert pitch_distance(one, slower) < 0.03 < pitch_distance(one, other)
