"""The distances that decoders are taught by, on sounds whose spectra are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.distance import band_distance, spectra, spectral_distance

DISTANCES = (spectral_distance, band_distance)


def tone(hertz: float, amplitude: float = 0.5) -> Tensor:
    return (
        amplitude * torch.sin(2 * math.pi * hertz * torch.arange(SAMPLE_RATE) / SAMPLE_RATE)[None]
    )


def noise(seed: int, amplitude: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return amplitude * torch.randn(1, SAMPLE_RATE, generator=generator)


def test_a_sine_reads_its_amplitude_in_every_window() -> None:
    for played, wanted in spectra(tone(1000.0, 0.5), tone(1000.0, 0.25)):
        assert float(played.max()) == pytest.approx(0.5, rel=0.2)  # between two bins it is less
        assert torch.allclose(played, 2 * wanted, atol=1e-4)


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_audio_has_no_distance_and_softer_errors_weigh_less(distance) -> None:
    wav = tone(440.0)
    assert float(distance(spectra(wav, wav))) == 0
    small = distance(spectra(wav + tone(700.0, 0.005), wav))
    large = distance(spectra(wav + tone(700.0, 0.05), wav))
    assert 0 < float(small) < float(large)


@pytest.mark.parametrize("distance", DISTANCES)
def test_magnitudes_are_heard_and_not_phases(distance) -> None:
    wav = tone(440.0)
    assert float(distance(spectra(-wav, wav))) < 1e-6


def test_in_bands_noise_is_near_other_noise_and_its_level_tells() -> None:
    equal = float(band_distance(spectra(noise(1), noise(2))))
    softer = float(band_distance(spectra(noise(1, 0.1), noise(2))))
    assert softer == pytest.approx(1.0, abs=0.02)  # 20 dB
    assert equal < 0.15
    assert equal < 0.6 * float(spectral_distance(spectra(noise(1), noise(2))))


def test_both_distances_lead_back_to_what_is_played() -> None:
    played = tone(440.0).requires_grad_()
    both = spectra(played, tone(440.0, 0.3) + noise(1, 0.1))
    (gradient,) = torch.autograd.grad(spectral_distance(both) + band_distance(both), played)
    assert bool(gradient.isfinite().all())
    assert float(gradient.norm()) > 0


def test_autocast_takes_no_digits_from_bands() -> None:
    both = spectra(tone(440.0, 0.3) + noise(1, 0.001), tone(440.0, 0.3) + noise(2, 0.002))
    with torch.autocast("cpu", torch.bfloat16):
        within = float(band_distance(both))
    assert within == float(band_distance(both))
