"""The log-mel distance hears timbre and not level."""

from __future__ import annotations

import numpy as np
import pytest

from tunes import RATE, sines, sound, tune
from umt_trainer.score.mel import (
    FLOOR_DB,
    HOP,
    NUM_BANDS,
    WINDOW,
    log_mel_distance,
    mel_bands,
    mel_db,
)

TUNE = tune([60, 64, 67, 72, 67, 64])


def test_a_sine_has_its_level_in_its_band_and_no_other_far_away() -> None:
    hz = 1000.0
    wav = (0.5 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)).astype(np.float32)
    spectrum = mel_db(wav, WINDOW, HOP, NUM_BANDS, FLOOR_DB)
    assert spectrum.shape == (-(-RATE // HOP), NUM_BANDS)
    middle = spectrum[20]
    # HTK's mel: the band whose centre is nearest, of 80 between 40 Hz and 11 kHz
    low, high, at = (2595 * np.log10(1 + f / 700) for f in (40.0, 11_000.0, hz))
    nearest = round(81 * (at - low) / (high - low)) - 1
    assert abs(int(middle.argmax()) - nearest) <= 1
    assert middle.max() == pytest.approx(20 * np.log10(0.5), abs=3)
    assert middle[nearest + 5 :].max() < middle.max() - 60


def test_bands_hand_over_to_each_other() -> None:
    bands = mel_bands(WINDOW, NUM_BANDS)
    hz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    inside = (hz > 100) & (hz < 10_000)
    np.testing.assert_allclose(bands[inside].sum(1), 1, atol=1e-9)


def test_a_sound_is_no_distance_from_itself_at_any_level() -> None:
    loud, soft = sound(sines(TUNE)), sound(sines(TUNE, level=0.02))
    assert log_mel_distance(loud, loud) == 0
    assert log_mel_distance(loud, soft) == pytest.approx(0, abs=0.01)


def test_a_nearer_timbre_is_a_shorter_distance() -> None:
    wanted = sound(sines(TUNE, overtones=(0.5, 0.3, 0.2)))
    near = log_mel_distance(sound(sines(TUNE, overtones=(0.5, 0.3))), wanted)
    far = log_mel_distance(sound(sines(TUNE)), wanted)
    assert near is not None
    assert far is not None
    assert 0 < near < far / 2


def test_a_difference_is_the_mean_over_bands_and_frames() -> None:
    one, other = sound(sines(TUNE)), sound(sines(TUNE, overtones=(0.5,)))
    spectra = [
        mel_db(
            s.wav * np.float32(10 ** ((-23 - s.loudness_lufs) / 20)), WINDOW, HOP, NUM_BANDS, -90
        )
        for s in (one, other)
    ]
    wanted = np.mean([abs(a - b) for a, b in zip(*map(np.ravel, spectra), strict=True)])
    assert log_mel_distance(one, other) == pytest.approx(wanted)


def test_silence_has_no_distance() -> None:
    silent = sound(np.zeros(RATE, np.float32))
    assert log_mel_distance(silent, sound(sines(TUNE))) is None
