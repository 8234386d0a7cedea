"""Vibrato and drift, measured on sines whose every bend is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.section import DRIFT_HZ, FURTHEST, VIBRATO_HZ, Section

SECONDS = 8
HERTZ = 1000.0


def sine(hertz: float, seconds: float = SECONDS, start: int = 0) -> Tensor:
    """A sine and what must be known on either side; sample `start` comes after FURTHEST."""
    n = torch.arange(-FURTHEST, int(seconds * SAMPLE_RATE) + FURTHEST, dtype=torch.float64) + start
    return torch.sin(2 * math.pi * hertz * n / SAMPLE_RATE).float()[None]


def bends_cents(wave_T: Tensor) -> Tensor:
    """How far each sample's pitch is from HERTZ, by the phase of the analytic signal."""
    spectrum = torch.fft.fft(wave_T.double())
    spectrum[len(spectrum) // 2 :] = 0
    phase = torch.fft.ifft(spectrum)
    step = (phase[1:] * phase[:-1].conj()).angle()
    cents = 1200 * torch.log2(step * SAMPLE_RATE / (2 * math.pi * HERTZ))
    # the ends ring
    return cents[SAMPLE_RATE:-SAMPLE_RATE]


def rate_hz(bends: Tensor) -> float:
    """How often they come and go."""
    return int(torch.fft.rfft(bends).abs().argmax()) * SAMPLE_RATE / len(bends)


def test_vibrato_bends_as_far_and_as_often_as_it_says() -> None:
    bends = bends_cents(Section(vibrato_cents=15)(sine(HERTZ), start=0)[0])
    assert float(bends.max()) == pytest.approx(15, abs=0.5)
    assert float(bends.min()) == pytest.approx(-15, abs=0.5)
    assert rate_hz(bends) == pytest.approx(VIBRATO_HZ, abs=0.1)


def test_drift_is_slow() -> None:
    bends = bends_cents(Section(drift_cents=8)(sine(HERTZ), start=0)[0])
    assert float(bends.max()) == pytest.approx(8, abs=0.3)
    assert float(bends.min()) == pytest.approx(-8, abs=0.3)
    assert rate_hz(bends) == pytest.approx(DRIFT_HZ, abs=0.1)


def test_players_add_up_to_one_at_full_strength_where_they_are_apart() -> None:
    noise = torch.randn(1, 8 * SAMPLE_RATE, generator=torch.Generator().manual_seed(1))
    # from 1 to 5 kHz: the players' places differ by many of its periods
    hertz = torch.arange(noise.shape[1] // 2 + 1) / 8
    high = torch.fft.irfft(torch.fft.rfft(noise) * ((hertz > 1000) & (hertz < 5000)))
    played = Section(players=4, vibrato_cents=6, drift_cents=10)(high, start=0)
    before, after = high[:, FURTHEST:-FURTHEST].square().mean(), played.square().mean()
    assert abs(10 * math.log10(after / before)) < 1.0


def test_players_spread_a_line_that_one_leaves_thin() -> None:
    def width_hz(section: Section) -> float:
        wave = section(sine(HERTZ), start=0)[0]
        power = torch.fft.rfft(wave * torch.hann_window(len(wave))).abs().square()
        hertz = torch.arange(len(power)) * SAMPLE_RATE / len(wave)
        mean = (hertz * power).sum() / power.sum()
        return float((((hertz - mean).square() * power).sum() / power.sum()).sqrt())

    assert width_hz(Section()) < 0.2
    # four sines of ±10 cents: their frequencies have an RMS of 10/√2 cents, 4.1 Hz
    spread = width_hz(Section(players=4, drift_cents=10))
    assert spread == pytest.approx(HERTZ * (2 ** (10 / 1200) - 1) / math.sqrt(2), rel=0.25)


def test_pieces_equal_the_whole() -> None:
    section = Section(players=3, vibrato_cents=5, drift_cents=9)
    late = 13 * 3600 * SAMPLE_RATE
    wave = sine(440.0, 1.0)
    whole = section(wave, late)
    half = 20_000
    pieces = [
        section(wave[:, : half + 2 * FURTHEST], late),
        section(wave[:, half:], late + half),
    ]
    assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-6)


def test_what_cannot_be_played_is_refused() -> None:
    with pytest.raises(ValueError, match="players is 0"):
        Section(players=0)
    with pytest.raises(ValueError, match="bends of 10 and 100 cents are too wide"):
        Section(vibrato_cents=10, drift_cents=100)
    assert Section().still
    assert not Section(players=2).still
