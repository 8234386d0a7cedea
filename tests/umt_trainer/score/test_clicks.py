"""Clicks are counted where they were put, and music has none."""

from __future__ import annotations

import numpy as np
import pytest

from signals import noise
from tunes import sines, sound, tune
from umt_trainer.score.clicks import num_clicks
from umt_trainer.score.sound import Mono

RATE = 44_100
PLACES = (10_000, 31_007, 50_021, 70_044, 100_001)


def music() -> Mono:
    return sines(tune([57, 69, 64, 76, 60, 81]), overtones=(0.5, 0.3), rate=RATE)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_music_without_clicks_has_none(rate: int) -> None:
    wav = sines(tune([45, 69, 64, 88, 60, 81]), overtones=(0.5, 0.3), rate=rate)
    assert num_clicks(sound(wav, rate)) == 0


def test_single_wrong_samples_are_counted() -> None:
    wav = music()
    for place in PLACES:
        wav[place] += 0.1
    assert num_clicks(sound(wav, RATE)) == len(PLACES)


def test_steps_of_the_waveform_are_counted() -> None:
    wav = music()
    for number, place in enumerate(PLACES):
        wav[place:] += 0.1 * (-1) ** number
    assert num_clicks(sound(wav, RATE)) == len(PLACES)


def test_a_seam_that_does_not_fit_is_a_click() -> None:
    time = np.arange(RATE) / RATE
    wav = 0.3 * np.sin(2 * np.pi * 220 * time)
    wav[RATE // 2 :] = 0.3 * np.sin(2 * np.pi * 220 * time[RATE // 2 :] + 2)
    assert num_clicks(sound(wav.astype(np.float32), RATE)) == 1


def test_music_cut_off_into_silence_is_a_click() -> None:
    wav = music()
    wav[60_000:] = 0
    assert num_clicks(sound(wav, RATE)) == 1


def test_noise_and_its_attack_are_no_clicks() -> None:
    hiss = noise(2.0, RATE, 1)[:, 0]
    hiss[:RATE] = 0  # silence, then noise at once
    assert num_clicks(sound(hiss, RATE)) == 0


def test_a_buzz_is_a_tone() -> None:
    wav = np.zeros(RATE, np.float32)
    wav[:: RATE // 100] = 0.3
    assert num_clicks(sound(wav, RATE)) == 0


def test_what_nobody_hears_is_not_counted() -> None:
    wav = np.zeros(RATE, np.float32)
    wav[20_000] = 1 / 32768  # the last bit, toggling in silence
    assert num_clicks(sound(wav, RATE)) == 0


@pytest.mark.parametrize("num_samples", [0, 1, 2, 3, 50])
def test_short_sounds_have_none(num_samples: int) -> None:
    assert num_clicks(sound(np.zeros(num_samples, np.float32), RATE)) == 0
