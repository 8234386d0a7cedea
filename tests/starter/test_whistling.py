"""The whistle and the hum, by what an ear would check: pitch, glide, rests, overtones."""

import numpy as np
import pytest

from starter.score import Score
from starter.whistling import SAMPLE_RATE, hum, whistle
from umt_trainer.midi import Note

SCORE = Score((Note(0.2, 1.2, 72, 100), Note(1.22, 2.2, 79, 100)), 3.0)


def hertz(wav_T: np.ndarray, start_s: float, end_s: float) -> float:
    part = wav_T[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 18))
    return float(spectrum.argmax()) * SAMPLE_RATE / (1 << 18)


@pytest.mark.parametrize("voice", [whistle, hum])
def test_notes_sound_at_their_pitch_and_rests_are_silent(voice):
    wav_T = voice(SCORE, seed=1)
    assert len(wav_T) == 3 * SAMPLE_RATE
    for pitch, start_s in ((72, 0.4), (79, 1.5)):
        cents = 1200 * np.log2(hertz(wav_T, start_s, start_s + 0.6) / 440) - 100 * (pitch - 69)
        assert abs(cents) < 45  # a little out of tune, and trembling
    assert np.abs(wav_T[round(2.3 * SAMPLE_RATE) :]).max() < 1e-3
    assert 0.05 < np.abs(wav_T).max() < 1


def test_the_second_note_is_reached_by_a_glide():
    wav_T = whistle(SCORE, seed=1)
    low, high = 440 * 2 ** (3 / 12), 440 * 2 ** (10 / 12)
    assert low < hertz(wav_T, 1.225, 1.245) < 0.97 * high


def test_a_whistle_is_nearly_a_sine_and_a_hum_is_not():
    def second_db(wav_T: np.ndarray, pitch: int) -> float:
        part = wav_T[round(0.5 * SAMPLE_RATE) : round(1.1 * SAMPLE_RATE)]
        power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
        at = np.fft.rfftfreq(len(part), 1 / SAMPLE_RATE) / (440 * 2 ** ((pitch - 69) / 12))
        first, second = (power[np.abs(at - k) < 0.1 * k].sum() for k in (1, 2))
        return float(10 * np.log10(second / first))

    assert second_db(whistle(SCORE, seed=1), 72) < -25
    low = Score((Note(0.2, 1.2, 52, 100),), 2.0)
    assert second_db(hum(low, seed=1), 52) > -12


def test_the_same_seed_gives_the_same_sound():
    assert np.array_equal(hum(SCORE, seed=3), hum(SCORE, seed=3))
    assert not np.array_equal(hum(SCORE, seed=3), hum(SCORE, seed=4))
