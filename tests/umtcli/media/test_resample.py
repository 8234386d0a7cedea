import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from umtcli.media import Resampler


def resample(samples, rate_in, rate_out, cuts=()):
    resampler = Resampler(rate_in, rate_out, samples.shape[1])
    pieces = np.split(samples, sorted(cuts))
    return np.concatenate([*map(resampler.push, pieces), resampler.finish()])


@settings(deadline=None)
@given(
    num_samples=st.integers(0, 30_000),
    rates=st.tuples(*[st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000])] * 2),
    num_channels=st.integers(1, 2),
    cuts=st.lists(st.integers(0, 30_000), max_size=4),
)
def test_the_length_is_exact_however_the_stream_is_cut(num_samples, rates, num_channels, cuts):
    rate_in, rate_out = rates
    out = resample(np.ones((num_samples, num_channels), np.float32), rate_in, rate_out, cuts)
    assert out.shape == (round(num_samples * rate_out / rate_in), num_channels)
    assert out.dtype == np.float32


@pytest.mark.parametrize(("rate_in", "rate_out"), [(44100, 16000), (16000, 44100), (48000, 44100)])
def test_a_sine_stays_the_same_sine_in_the_same_place(tone, rate_in, rate_out):
    sine = tone(440, 1000, num_samples=rate_in, sample_rate=rate_in)
    expected = tone(440, 1000, num_samples=rate_out, sample_rate=rate_out)
    out = resample(sine, rate_in, rate_out, cuts=[1, 1000, 7777])
    middle = slice(rate_out // 10, -rate_out // 10)
    assert np.abs(out[middle] - expected[middle]).max() < 1e-4


def test_what_the_new_rate_cannot_hold_is_removed(tone):
    out = resample(tone(12_000, num_samples=44100), 44100, 16000)
    assert np.abs(out[1600:-1600]).max() < 1e-4


def test_cuts_do_not_change_the_sound(tone):
    sine = tone(440, 660, num_samples=44100)
    whole, pieces = resample(sine, 44100, 16000), resample(sine, 44100, 16000, [5, 6, 20_000])
    assert np.abs(whole - pieces).max() < 1e-5


def test_equal_channels_stay_equal(tone):
    out = resample(tone(440, 440, num_samples=44100), 44100, 48000)
    np.testing.assert_array_equal(out[:, 0], out[:, 1])


def test_equal_rates_pass_blocks_untouched(tone):
    block = tone(440, num_samples=100)
    resampler = Resampler(44100, 44100, 1)
    assert np.shares_memory(resampler.push(block), block)
    assert resampler.finish().shape == (0, 1)
