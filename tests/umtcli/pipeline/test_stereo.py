"""The stereo image of the input is imposed on what was played."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from signals import noise, octaves, power_db, silence
from umtcli.pipeline.stereo import MAX_GAIN, StereoKeeper

RATE = 44_100


def keep(
    heard: np.ndarray,
    played: np.ndarray,
    rate_heard: int = RATE,
    rate_played: int = RATE,
    piece_s: float = 1.0,
) -> np.ndarray:
    keeper = StereoKeeper(rate_heard, rate_played)
    heard_ST, played_ST = torch.from_numpy(heard.T.copy()), torch.from_numpy(played.T.copy())
    pieces = max(
        -(-heard_ST.shape[1] // int(piece_s * rate_heard)),
        -(-played_ST.shape[1] // int(piece_s * rate_played)),
    )
    out: list[Tensor] = []
    for i in range(pieces):
        a, b = int(piece_s * rate_heard), int(piece_s * rate_played)
        out.append(keeper.push(heard_ST[:, i * a : (i + 1) * a], played_ST[:, i * b : (i + 1) * b]))
    return torch.cat([*out, keeper.finish()], dim=1).numpy().T


def shaped(gains_db: list[float], low_hz: float = 88.4) -> np.ndarray:
    """Four seconds of noise, left over right by so many dB in each octave from `low_hz` up."""
    spectrum = np.fft.rfft(noise(4.0), axis=0)
    frequency = np.fft.rfftfreq(4 * RATE, 1 / RATE)
    octave = np.clip(np.floor(np.log2(np.maximum(frequency, 1) / low_hz)), 0, len(gains_db) - 1)
    half = np.asarray(gains_db)[octave.astype(int)] / 2
    spectrum *= 10 ** (np.stack([half, -half], axis=1) / 20)
    return np.fft.irfft(spectrum, axis=0).astype(np.float32)


def test_channels_that_keep_the_image_pass_unchanged() -> None:
    wave = noise(3.0)
    np.testing.assert_allclose(keep(wave, wave), wave, atol=1e-5)


def test_equal_channels_stay_identical_to_the_last_bit() -> None:
    mono = np.repeat(noise(3.0, channels=1), 2, axis=1)
    out = keep(mono, mono)
    assert np.array_equal(out[:, 0], out[:, 1])


def test_channels_are_identical_until_they_differ() -> None:
    wave = np.repeat(noise(4.0, channels=1), 2, axis=1)
    wave[2 * RATE :, 1] *= 0.1
    out = keep(wave, wave)
    assert np.array_equal(out[:RATE, 0], out[:RATE, 1])
    assert power_db(out[3 * RATE :]) @ [1, -1] == pytest.approx(20, abs=1)


@pytest.mark.parametrize("side", [0, 1])
def test_a_mid_is_panned_as_hard_as_its_input(side: int) -> None:
    heard = noise(3.0)
    heard[:, 1 - side] = 0
    out = keep(heard, np.repeat(noise(3.0, channels=1), 2, axis=1))
    powers = power_db(out)
    assert powers[side] - powers[1 - side] > 40


def test_noise_on_the_silent_side_is_taken_away() -> None:
    heard = noise(3.0)
    heard[:, 1] = 0
    played = noise(3.0)
    played[:, 1] *= 0.3
    powers = power_db(keep(heard, played))
    assert powers[0] - powers[1] > 20


@pytest.mark.parametrize("played", [noise(4.0), np.repeat(noise(4.0, channels=1), 2, axis=1)])
@pytest.mark.parametrize(
    "gains_db", [[6.0] * 7, [9, 3, -3, -9, 0, 6, -6], [0, 12, 0, -12, 0, 6, 0]]
)
def test_every_octave_keeps_its_level_difference(played: np.ndarray, gains_db: list[float]) -> None:
    heard = shaped(gains_db)
    wanted = octaves(heard, RATE) @ [1, -1]
    got = octaves(keep(heard, played), RATE) @ [1, -1]
    np.testing.assert_allclose(got, wanted, atol=3)


def test_octaves_keep_their_total_power() -> None:
    played = noise(4.0)
    before = np.logaddexp(*(octaves(played, RATE).T / 10 * np.log(10)))
    out = keep(shaped([9, 3, -3, -9, 0, 6, -6]), played)
    after = np.logaddexp(*(octaves(out, RATE).T / 10 * np.log(10)))
    np.testing.assert_allclose(after / np.log(10) * 10, before / np.log(10) * 10, atol=0.5)


def test_the_image_is_kept_across_sample_rates() -> None:
    heard = noise(4.0, rate=8_000) * np.float32([1.0, 0.25])
    out = keep(heard, noise(4.0, rate=16_000), 8_000, 16_000)
    assert power_db(out) @ [1, -1] == pytest.approx(12, abs=0.5)


def test_nothing_heard_moves_nothing() -> None:
    played = noise(2.0) * np.float32([1.0, 0.1])
    np.testing.assert_allclose(keep(silence(2.0), played), played, atol=1e-5)


def test_a_whisper_on_the_wanted_side_is_not_blown_up() -> None:
    heard = noise(3.0)
    heard[:, 1] = 0
    played = noise(3.0)
    played[:, 0] *= 1e-3
    out = keep(heard, played)
    assert np.abs(out).max() <= MAX_GAIN * np.abs(played[:, 0]).max() * 1.5


@pytest.mark.parametrize("num_samples", [1, 100, 4_096, 44_101])
def test_the_length_is_kept(num_samples: int) -> None:
    wave = noise(2.0)[:num_samples]
    assert keep(wave, wave).shape == wave.shape


@pytest.mark.parametrize("piece_s", [0.013, 0.3])
def test_pieces_equal_whole(piece_s: float) -> None:
    heard, played = noise(2.0) * np.float32([1, 0.3]), noise(2.0)[::-1].copy()
    whole = keep(heard, played, piece_s=2.0)
    np.testing.assert_allclose(keep(heard, played, piece_s=piece_s), whole, atol=1e-5)
