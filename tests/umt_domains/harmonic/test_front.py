"""The ear against sinusoids of known pitch and level."""

import math

import pytest
import torch

from umt_domains.harmonic.config import LATENT_HOP, SAMPLE_RATE
from umt_domains.harmonic.front import (
    HARMONICS,
    LEVEL_FUTURE_FRAMES,
    LEVEL_PAST_FRAMES,
    NUM_BINS,
    SPECTRUM_REACH,
    LogSpectrum,
    frame_level,
)

FRAMES = 20
LENGTH = FRAMES * LATENT_HOP + 2 * SPECTRUM_REACH


def sine(hertz: float, amplitude: float = 1.0) -> torch.Tensor:
    n = torch.arange(LENGTH, dtype=torch.float64)
    return (amplitude * torch.sin(2 * math.pi * hertz * n / SAMPLE_RATE)).float()[None]


def unshifted(wav: torch.Tensor) -> torch.Tensor:
    """The copy of the spectrum without a harmonic shift, of both windows: (2, K, 2F)."""
    stacked = LogSpectrum()(wav, torch.ones(1, FRAMES))[0]
    first = 2 * HARMONICS.index(1)
    return stacked[first : first + 2]


@pytest.mark.parametrize("midi", [33, 57, 69, 88, 105])
def test_a_sine_peaks_in_the_middle_bin_of_its_semitone(midi: int) -> None:
    spectra = unshifted(sine(440 * 2 ** ((midi - 69) / 12)))
    assert spectra.shape == (2, NUM_BINS, 2 * FRAMES)
    assert int(spectra[0, :, FRAMES].argmax()) == 3 * (midi - 21) + 1


def test_the_long_window_tells_low_semitones_apart() -> None:
    spectra = unshifted(sine(110.0))
    peak = 3 * (45 - 21) + 1
    assert float(spectra[0, peak, FRAMES] - spectra[0, peak + 3, FRAMES]) > 0.2


def test_a_full_scale_sine_reads_one_and_each_20_db_less_reads_half_less() -> None:
    peak = 3 * (69 - 21) + 1
    levels = [float(unshifted(sine(440.0, a))[0, peak, FRAMES]) for a in (1.0, 0.1, 0.01)]
    assert levels == pytest.approx([1.0, 0.5, 0.0], abs=0.06)


def test_shifted_copies_bring_overtones_to_the_fundamental() -> None:
    stacked = LogSpectrum()(sine(880.0), torch.ones(1, FRAMES))[0]
    a4 = 3 * (69 - 21) + 1
    second = 2 * HARMONICS.index(2)
    assert int(stacked[second, :, FRAMES].argmax()) == a4


def test_silence_reads_the_floor_everywhere() -> None:
    stacked = LogSpectrum()(torch.zeros(1, LENGTH), torch.zeros(1, FRAMES))
    assert torch.allclose(stacked, torch.full_like(stacked, -1.0), atol=5e-3)


def test_only_loudness_relative_to_the_level_matters() -> None:
    front = LogSpectrum()
    loud = front(sine(440.0, 0.5), torch.full((1, FRAMES), 0.3))
    soft = front(sine(440.0, 0.05), torch.full((1, FRAMES), 0.03))
    assert torch.allclose(loud, soft, atol=5e-3)


def level_of(wav: torch.Tensor, start: int) -> torch.Tensor:
    """Level of the frames between the past and the future that `wav` brings along."""
    total = wav.shape[-1] // LATENT_HOP
    valid = torch.arange(total) >= start
    return frame_level(wav, valid)


def test_level_of_steady_sound_is_its_rms_from_the_first_frame_on() -> None:
    total = LEVEL_PAST_FRAMES + 50 + LEVEL_FUTURE_FRAMES
    wav = torch.ones(1, total * LATENT_HOP) * 0.25
    wav[:, : LEVEL_PAST_FRAMES * LATENT_HOP] = 0
    assert torch.allclose(level_of(wav, LEVEL_PAST_FRAMES), torch.tensor(0.25), rtol=1e-3)


def test_level_is_proportional_to_gain() -> None:
    total = LEVEL_PAST_FRAMES + 10 + LEVEL_FUTURE_FRAMES
    wav = torch.randn(1, total * LATENT_HOP, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(level_of(0.01 * wav, 0), 0.01 * level_of(wav, 0), rtol=1e-4)


def test_level_falls_slowly_after_the_music_and_ends_in_silence() -> None:
    num_frames = 600
    wav = torch.zeros(1, (LEVEL_PAST_FRAMES + num_frames + LEVEL_FUTURE_FRAMES) * LATENT_HOP)
    wav[:, LEVEL_PAST_FRAMES * LATENT_HOP : (LEVEL_PAST_FRAMES + 100) * LATENT_HOP] = 0.25
    level = level_of(wav, 0)[0]
    assert float(level[99]) == pytest.approx(0.25 * (1 - math.exp(-2 / 3)) ** 0.25, rel=0.1)
    one_second_later, at_the_end = float(level[150]), float(level[-1])
    assert 0.1 < one_second_later < 0.25
    assert at_the_end < 1e-5
    assert bool((level[112:].diff() <= 1e-6).all())
