"""Two performances become one, which swings on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from umt_domains.wavenet.joining import Joint, Wave

RATE = 16_000
JOINT = Joint.at(RATE)
NEW = JOINT.width + 2 * JOINT.lag


def sine(hertz: float, phase: float, count: int) -> Wave:
    wav_T = 0.5 * np.sin(2 * np.pi * hertz * np.arange(count) / RATE + phase)
    return wav_T.astype(np.float32)


def test_the_parts_are_as_long_as_they_say() -> None:
    assert Joint(fade=640, places=range(0, 641, 40), lag=200) == JOINT
    assert JOINT.width == 1280


@given(hertz=st.floats(40, 400), phase=st.floats(0, 2 * np.pi))
def test_a_sine_swings_on_in_its_phase(hertz: float, phase: float) -> None:
    old_T = sine(hertz, 0, JOINT.width)
    new_T = sine(hertz, phase, NEW + RATE)
    joined_T, left_out = JOINT.join(old_T, new_T)
    assert len(joined_T) == JOINT.width
    assert abs(left_out) <= JOINT.lag
    after_T = new_T[JOINT.lag + left_out + JOINT.width :][: RATE // 10]
    whole_T = np.concatenate([joined_T, after_T])
    # lags are whole samples: a phase is missed by half of one at most
    missed = np.pi * hertz / RATE + 1e-3
    assert np.abs(whole_T - sine(hertz, 0, len(whole_T))).max() < 0.5 * missed


def test_equal_performances_stay_as_they_are() -> None:
    wav_T = np.random.default_rng(1).standard_normal(NEW).astype(np.float32)
    joined_T, left_out = JOINT.join(wav_T[JOINT.lag :][: JOINT.width], wav_T)
    assert left_out == 0
    np.testing.assert_allclose(joined_T, wav_T[JOINT.lag :][: JOINT.width], rtol=1e-5)


def test_silence_is_joined_where_it_is() -> None:
    joined_T, left_out = JOINT.join(np.zeros(JOINT.width, np.float32), np.zeros(NEW, np.float32))
    assert left_out == 0
    assert not joined_T.any()


@pytest.mark.parametrize("likeness", [0.0, 0.5, 0.9])
def test_the_level_stays_however_alike_they_are(likeness: float) -> None:
    rng = np.random.default_rng(2)
    powers = []
    for _ in range(60):
        new_T, other_T = rng.standard_normal((2, NEW))
        old_T = likeness * new_T + (1 - likeness**2) ** 0.5 * other_T
        old_T = old_T[JOINT.lag :][: JOINT.width].astype(np.float32)
        powers.append(JOINT.join(old_T, new_T.astype(np.float32))[0] ** 2)
    level_db = 10 * np.log10(np.mean(powers, axis=0).reshape(8, -1).mean(axis=1))
    assert np.abs(level_db).max() < 0.3


def test_an_onset_is_played_once() -> None:
    """One performance strikes 5 ms later than the other: it is moved, not smeared."""
    decay_T = np.exp(-np.arange(NEW) / 200)
    noise_T = np.random.default_rng(3).standard_normal(NEW)
    struck_T = (noise_T * decay_T).astype(np.float32)
    old_T = np.concatenate([np.zeros(600, np.float32), struck_T])[: JOINT.width]
    new_T = np.concatenate([np.zeros(JOINT.lag + 680, np.float32), struck_T])[:NEW]
    joined_T, left_out = JOINT.join(old_T, new_T)
    assert left_out == 80
    np.testing.assert_allclose(joined_T, old_T, atol=1e-5)
