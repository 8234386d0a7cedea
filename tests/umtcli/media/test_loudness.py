import math

import numpy as np
import pytest

from umtcli.media import LoudnessMeter


def measure(samples, sample_rate, block=44100):
    meter = LoudnessMeter(sample_rate, samples.shape[1])
    for start in range(0, len(samples), block):
        meter.push(samples[start : start + block])
    return meter.integrated_lufs()


def sine(sample_rate, *levels_dbfs_and_seconds, frequency_hz=1000, num_channels=2):
    """Stretches of one sine at given peak levels, on all channels."""
    levels = [
        np.full(round(seconds * sample_rate), 10 ** (level / 20))
        for level, seconds in levels_dbfs_and_seconds
    ]
    gain = np.concatenate(levels)
    wave = gain * np.sin(2 * np.pi * frequency_hz / sample_rate * np.arange(len(gain)))
    return np.repeat(wave[:, None], num_channels, axis=1).astype(np.float32)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100, 48000, 96000, 192_000])
def test_the_reference_tone_in_one_channel_reads_minus_3_01(sample_rate):
    # BS.1770-4, annex 1: 0 dBFS, 997 Hz, left, centre or right
    tone = sine(sample_rate, (0, 3), frequency_hz=997, num_channels=1)
    assert measure(tone, sample_rate) == pytest.approx(-3.01, abs=0.05)


EBU_TECH_3341 = {
    "case 1": (-23.0, [(-23, 20)]),
    "case 2": (-33.0, [(-33, 20)]),
    "case 3": (-23.0, [(-36, 10), (-23, 60), (-36, 10)]),
    "case 4": (-23.0, [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)]),
    "case 5": (-23.0, [(-26, 20), (-20, 20.1), (-26, 20)]),
}


@pytest.mark.parametrize("case", EBU_TECH_3341)
@pytest.mark.parametrize("sample_rate", [44100, 48000])
def test_the_cases_of_ebu_tech_3341_read_within_a_tenth(case, sample_rate):
    expected, stretches = EBU_TECH_3341[case]
    assert measure(sine(sample_rate, *stretches), sample_rate) == pytest.approx(expected, abs=0.1)


def test_pink_noise_reads_as_by_the_definition():
    """A slow reference: direct biquads, blocks and gates exactly as the standard words them."""
    from umtcli.media.kweighting import k_weighting_biquads

    rate = 8000
    rng = np.random.default_rng(3)
    noise = (
        rng.standard_normal((rate * 6, 2))
        * np.repeat(10 ** rng.uniform(-3, -0.5, 12), 4000)[:, None]
    )
    weighted = noise.copy()
    for (b0, b1, b2), (_, a1, a2) in k_weighting_biquads(rate):
        x1 = x2 = y1 = y2 = np.zeros(2)
        for i, x in enumerate(weighted.copy()):
            y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = x, x1, y, y1
            weighted[i] = y
    powers = [
        (weighted[start : start + 3200] ** 2).mean(axis=0).sum()
        for start in range(0, len(weighted) - 3200 + 1, 800)
    ]
    loud = [p for p in powers if -0.691 + 10 * math.log10(p) > -70]
    gate = -0.691 + 10 * math.log10(np.mean(loud)) - 10
    loud = [p for p in loud if -0.691 + 10 * math.log10(p) > gate]
    expected = -0.691 + 10 * math.log10(np.mean(loud))
    assert measure(noise.astype(np.float32), rate) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("block", [1000, 4409, 100_000])
def test_cuts_do_not_matter(block):
    noise = np.random.default_rng(4).standard_normal((100_000, 2)).astype(np.float32)
    assert measure(noise, 44100, block) == pytest.approx(measure(noise, 44100), abs=1e-6)


def test_silence_passes_no_gate():
    meter = LoudnessMeter(44100, 2)
    meter.push(np.zeros((44100, 2), np.float32))
    assert meter.integrated_lufs() == -math.inf


def test_what_lies_below_the_absolute_gate_is_silence():
    assert measure(sine(44100, (-75, 5)), 44100) == -math.inf


def test_a_clip_of_under_400_ms_has_no_loudness():
    assert measure(sine(44100, (-10, 0.39)), 44100) == -math.inf
    assert measure(sine(44100, (-10, 0.41)), 44100) > -20


def test_nothing_pushed_is_nothing_heard():
    assert LoudnessMeter(44100, 1).integrated_lufs() == -math.inf


def test_the_meter_may_be_read_while_it_runs():
    tone = sine(44100, (-23, 10))
    meter = LoudnessMeter(44100, 2)
    for block in np.split(tone, 10):
        meter.push(block)
        assert meter.integrated_lufs() == pytest.approx(-23, abs=0.1)
