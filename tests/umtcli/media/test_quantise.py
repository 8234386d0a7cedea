import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from umtcli.media.quantise import dither_lsb, quantise


@given(start=st.integers(0, 2**40), cut=st.integers(0, 50), seed=st.integers(-(2**70), 2**70))
def test_dither_depends_on_the_place_only(start, cut, seed):
    whole = dither_lsb(seed, start, 50)
    pieces = [dither_lsb(seed, start, cut), dither_lsb(seed, start + cut, 50 - cut)]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_dither_is_triangular():
    noise = dither_lsb(0, 0, 400_000).astype(np.float64)
    assert abs(noise.mean()) < 0.003
    assert noise.var() == pytest.approx(1 / 6, rel=0.01)  # two uniform steps: 2 · 1/12
    assert np.abs(noise).max() <= 1
    # P(|x| > 1/2) of the triangle on (-1, 1)
    assert np.mean(np.abs(noise) > 0.5) == pytest.approx(0.25, abs=0.003)


def test_dither_is_white_and_differs_by_seed():
    noise = dither_lsb(0, 0, 100_000)
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.01
    assert abs(np.corrcoef(noise, dither_lsb(1, 0, 100_000))[0, 1]) < 0.01


def test_dither_frees_the_error_from_the_signal():
    # a constant between two steps is kept on average, where plain rounding would lose it
    level = np.full((200_000, 1), 0.3 / 32768, np.float32)
    assert quantise(level, 16).mean() == pytest.approx(0.3, abs=0.01)


def test_silence_stays_silence():
    assert not quantise(np.zeros((1000, 2), np.float32), 16).any()


def test_a_silent_channel_stays_silent_beside_a_loud_one(tone):
    block = tone(440, 440, num_samples=1000)
    block[:, 1] = 0
    assert not quantise(block, 16)[:, 1].any()


def test_equal_channels_stay_equal(tone):
    stored = quantise(tone(440, 440, num_samples=1000), 16)
    np.testing.assert_array_equal(stored[:, 0], stored[:, 1])


@pytest.mark.parametrize(("bits", "step"), [(16, 2**-15), (24, 2**-23)])
def test_the_error_is_of_the_size_of_a_step(tone, bits, step):
    block = tone(440, num_samples=10_000)
    stored = quantise(block, bits).astype(np.float64)
    stored /= 2**31 if bits == 24 else 2**15
    assert np.abs(stored - block).max() <= (1.5 if bits == 16 else 0.5) * step


@pytest.mark.parametrize(("bits", "low", "high"), [(16, -(2**15), 2**15 - 1)])
def test_what_exceeds_full_scale_is_clipped(bits, low, high):
    stored = quantise(np.array([[-2.0], [2.0], [1e9]], np.float32), bits)
    assert stored.ravel().tolist() == [low, high, high]


def test_24_bits_lie_atop_32():
    stored = quantise(np.array([[-2.0], [2.0], [2.0**-23]], np.float32), 24)
    assert stored.ravel().tolist() == [-(2**31), (2**23 - 1) * 256, 256]


def test_float_passes_untouched(tone):
    block = tone(440, num_samples=100, gain=3.0)
    assert quantise(block, 32) is block
