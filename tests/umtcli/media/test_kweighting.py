import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from umtcli.media.kweighting import KWeighting, k_weighting_biquads


def direct(samples, sample_rate):
    """The biquads as the standard draws them, sample by sample."""
    out = samples.astype(np.float64)
    for (b0, b1, b2), (_, a1, a2) in k_weighting_biquads(sample_rate):
        x1 = x2 = y1 = y2 = np.zeros(samples.shape[1])
        for i, x in enumerate(out.copy()):
            y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            out[i] = y
    return out


def streamed(samples, sample_rate, cuts=()):
    weighting = KWeighting(sample_rate, samples.shape[1])
    ready = [weighting.push(piece) for piece in np.split(samples, sorted(cuts))]
    return np.concatenate([*ready, weighting.rest()], axis=1).T


def test_at_48_khz_the_coefficients_are_the_standards():
    # ITU-R BS.1770-4, tables 1 and 2
    (shelf_b, shelf_a), (high_b, high_a) = k_weighting_biquads(48000)
    assert shelf_b == pytest.approx((1.53512485958697, -2.69169618940638, 1.19839281085285))
    assert shelf_a == pytest.approx((1, -1.69065929318241, 0.73248077421585))
    assert high_b == (1, -2, 1)
    assert high_a == pytest.approx((1, -1.99004745483398, 0.99007225036621))


@pytest.mark.parametrize("sample_rate", [8000, 44100, 48000])
def test_the_fast_way_equals_the_slow_way(sample_rate):
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((2 * sample_rate, 2)).astype(np.float32)
    expected = direct(samples, sample_rate)
    assert np.abs(streamed(samples, sample_rate) - expected).max() < 1e-5


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(0, 20_000), max_size=6))
def test_cuts_do_not_matter(cuts):
    samples = np.random.default_rng(1).standard_normal((20_000, 1)).astype(np.float32)
    whole, pieces = streamed(samples, 8000), streamed(samples, 8000, cuts)
    assert pieces.shape == samples.shape
    np.testing.assert_allclose(pieces, whole, atol=1e-5)


def test_the_rest_may_be_asked_for_at_any_time():
    samples = np.random.default_rng(1).standard_normal((30_000, 1)).astype(np.float32)
    weighting = KWeighting(8000, 1)
    ready = []
    for piece in np.split(samples, 30):
        ready.append(weighting.push(piece))
        weighting.rest()
    whole = np.concatenate([*ready, weighting.rest()], axis=1).T
    np.testing.assert_allclose(whole, streamed(samples, 8000), atol=1e-9)
