"""The level of a pipe follows its input, and never peaks above the ceiling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals import lufs, noise, silence
from umtcli.media import LoudnessMeter
from umtcli.pipeline.causal import CEILING, LOOKAHEAD_S, CausalLevel, Limiter

RATE = 44_100


def run_limiter(wave: np.ndarray, piece: int) -> np.ndarray:
    limiter = Limiter(RATE, wave.shape[1])
    out = [limiter.push(wave[i : i + piece]) for i in range(0, len(wave), piece)]
    return np.concatenate([*out, limiter.finish()])


@given(
    seed=st.integers(0, 1000), level=st.floats(0.01, 3.0), piece=st.sampled_from([7, 441, 10_000])
)
def test_no_sample_exceeds_the_ceiling(seed: int, level: float, piece: int) -> None:
    rng = np.random.default_rng(seed)
    wave = (level * rng.standard_normal((6_000, 2)) * rng.random((6_000, 1)) ** 4).astype("f4")
    out = run_limiter(wave, piece)
    assert out.shape == wave.shape
    assert np.abs(out).max() <= CEILING * (1 + 1e-6)


@pytest.mark.parametrize("at", [0, 1, 43, 44, 45, 3_000, 5_999])
def test_a_single_peak_is_caught_wherever_it_is(at: int) -> None:
    wave = np.full((6_000, 1), 0.1, np.float32)
    wave[at] = 2.0
    out = run_limiter(wave, 500)
    assert CEILING * 0.99 < np.abs(out).max() <= CEILING * (1 + 1e-6)


def test_what_stays_below_the_ceiling_is_not_touched() -> None:
    wave = np.clip(noise(0.5, level=0.2), -CEILING, CEILING)
    assert np.array_equal(run_limiter(wave, 1_000), wave)


def test_the_limiter_lets_go_after_a_peak() -> None:
    wave = np.full((RATE, 1), 0.1, np.float32)
    wave[4_410] = 2.0
    out = run_limiter(wave, 1_000)
    assert out[4_410 - 600] == pytest.approx(0.1)
    assert out[4_410 - 40] < 0.06
    assert out[-1] == pytest.approx(0.1, rel=0.001)


def test_the_limiter_gives_the_same_whatever_the_pieces() -> None:
    wave = noise(0.5, level=0.6)
    np.testing.assert_allclose(run_limiter(wave, 997), run_limiter(wave, len(wave)), atol=1e-6)


def run_level(heard: np.ndarray, played: np.ndarray, piece: int = 11_025) -> np.ndarray:
    meter = LoudnessMeter(RATE, heard.shape[1])
    level = CausalLevel(meter, RATE, played.shape[1])
    out = []
    for i in range(0, len(played), piece):
        meter.push(heard[i : i + piece])
        out.append(level.push(played[i : i + piece]))
    return np.concatenate([*out, level.finish()])


@pytest.mark.parametrize("played_level", [0.005, 0.05, 0.2])
def test_a_steady_stream_comes_out_as_loud_as_it_went_in(played_level: float) -> None:
    heard, played = noise(5.0, level=0.05), noise(5.0, level=played_level)
    out = run_level(heard, played)
    assert out.shape == played.shape
    assert lufs(out, RATE) == pytest.approx(lufs(heard, RATE), abs=0.5)


def test_the_gain_follows_slowly_after_a_change() -> None:
    heard = np.concatenate([noise(4.0, level=0.02), noise(20.0, level=0.1)])
    played = noise(24.0, level=0.02)
    out = run_level(heard, played)
    second = lufs(out[4 * RATE + 8_820 : 5 * RATE], RATE)
    assert lufs(out[: 3 * RATE], RATE) - 0.5 < second < lufs(heard[-RATE:], RATE) - 6
    assert lufs(out[-RATE:], RATE) == pytest.approx(lufs(heard[-RATE:], RATE), abs=2.0)


def test_audio_comes_out_before_the_input_ends() -> None:
    meter = LoudnessMeter(RATE, 1)
    level = CausalLevel(meter, RATE, 1)
    wave = noise(1.0, channels=1)
    meter.push(wave)
    assert len(level.push(wave)) >= len(wave) - LOOKAHEAD_S * RATE - 1


def test_silence_passes_as_it_is() -> None:
    assert not run_level(silence(2.0), silence(2.0)).any()
    played = noise(2.0)
    assert np.array_equal(run_level(silence(2.0), played), played)


def test_a_clip_too_short_for_a_loudness_passes_as_it_is() -> None:
    played = noise(0.3)
    assert np.array_equal(run_level(noise(0.3, level=0.01), played), played)
