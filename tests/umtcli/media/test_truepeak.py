import numpy as np
import pytest

from umtcli.media.truepeak import TruePeak


def peak_db(samples, sample_rate, block=44100):
    meter = TruePeak(sample_rate, samples.shape[1])
    for start in range(0, len(samples), block):
        meter.push(samples[start : start + block])
    return meter.dbtp()


def faded_sine(frequency_hz, phase, sample_rate, num_samples=20_000):
    """A sine of full scale that comes and goes slowly, so that its ends make no peak."""
    ramp = np.minimum(1, np.minimum(np.arange(num_samples), np.arange(num_samples)[::-1]) / 4000)
    angle = 2 * np.pi * frequency_hz / sample_rate * np.arange(num_samples) + phase
    return (ramp * np.sin(angle))[:, None].astype(np.float32)


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000, 96000])
def test_a_peak_between_samples_is_found(sample_rate):
    sine = faded_sine(sample_rate / 4, np.pi / 4, sample_rate)
    assert 20 * np.log10(np.abs(sine).max()) == pytest.approx(-3.01, abs=0.01)
    assert peak_db(sine, sample_rate) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("divisor", [4, 6, 8])
@pytest.mark.parametrize("phase_degrees", [0, 30, 45, 60, 67.5])
def test_readings_are_as_exact_as_ebu_tech_3341_asks(divisor, phase_degrees):
    # cases 15 to 19: tones of fs/4, fs/6, fs/8, tolerance +0.2 / -0.4 dB
    sine = 0.5 * faded_sine(48000 / divisor, np.radians(phase_degrees), 48000)
    assert -6.02 - 0.4 < peak_db(sine, 48000) < -6.02 + 0.2


def test_frames_that_are_skipped_could_not_have_mattered():
    rng = np.random.default_rng(0)
    for _ in range(20):
        # band-limited to a few tones, at random levels: its spectrum can be oversampled exactly
        spectrum = np.zeros(2001, complex)
        chosen = rng.integers(50, 1800, 12)
        spectrum[chosen] = rng.standard_normal(12) + 1j * rng.standard_normal(12)
        samples = np.fft.irfft(spectrum, 4000)
        exact = np.abs(np.fft.irfft(np.pad(spectrum, (0, 14000)), 32000) * 8).max()
        thrice = np.tile(samples, 3)[:, None].astype(np.float32)
        ends = np.hanning(8000)
        thrice[:4000, 0] *= ends[:4000]
        thrice[-4000:, 0] *= ends[4000:]
        assert peak_db(thrice, 44100, block=777) == pytest.approx(20 * np.log10(exact), abs=0.35)


@pytest.mark.parametrize("block", [1, 7, 63, 64, 65, 1000])
def test_cuts_do_not_matter(block):
    samples = np.random.default_rng(2).standard_normal((3000, 2)).astype(np.float32)
    assert peak_db(samples, 44100, block) == pytest.approx(peak_db(samples, 44100, 3000), abs=1e-5)


def test_a_single_sample_at_the_very_end_is_heard():
    samples = np.zeros((1000, 1), np.float32)
    samples[-1] = 0.5
    assert peak_db(samples, 44100) == pytest.approx(-6.02, abs=0.1)


def test_at_high_rates_the_samples_are_the_peak():
    sine = faded_sine(1000, 0, 192_000)
    assert peak_db(sine, 192_000) == pytest.approx(20 * np.log10(np.abs(sine).max()))


@pytest.mark.parametrize("rate", [176_400, 192_000, 352_800, 384_000, 768_000])
def test_a_rate_above_what_is_asked_for_needs_no_oversampling(rate):
    meter = TruePeak(rate, 1)
    meter.push(np.float32([[0.25], [-0.5], [0.125]]))
    assert meter.dbtp() == pytest.approx(-6.02, abs=0.01)


def test_silence_has_no_peak():
    assert peak_db(np.zeros((1000, 2), np.float32), 44100) == -np.inf
