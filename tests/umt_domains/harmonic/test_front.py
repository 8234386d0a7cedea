"""The ear against sinusoids of known pitch and level."""

import math

import pytest
import torch

from umt_domains.harmonic.config import LATENT_HOP, SAMPLE_RATE
from umt_domains.harmonic.front import (
    FRONT_ENDS,
    HARMONICS,
    LEVEL_FUTURE_FRAMES,
    LEVEL_PAST_FRAMES,
    NUM_BINS,
    SEAM_BIN,
    SPECTRUM_REACH,
    LogSpectrum,
    frame_level,
)

FRAMES = 20
LENGTH = FRAMES * LATENT_HOP + 2 * SPECTRUM_REACH


def sine(hertz: float, amplitude: float = 1.0) -> torch.Tensor:
    n = torch.arange(LENGTH, dtype=torch.float64)
    return (amplitude * torch.sin(2 * math.pi * hertz * n / SAMPLE_RATE)).float()[None]


@pytest.fixture(params=FRONT_ENDS)
def front(request: pytest.FixtureRequest) -> LogSpectrum:
    return LogSpectrum(request.param)


def unshifted(front: LogSpectrum, wav: torch.Tensor) -> torch.Tensor:
    """The copy of the spectrum without a harmonic shift, of both views: (2, K, 2F)."""
    stacked = front(wav, torch.ones(1, FRAMES))[0]
    first = 2 * HARMONICS.index(1)
    return stacked[first : first + 2]


@pytest.mark.parametrize("midi", [33, 57, 69, 88, 92, 93, 105])
def test_a_sine_peaks_in_the_middle_bin_of_its_semitone(front: LogSpectrum, midi: int) -> None:
    spectra = unshifted(front, sine(440 * 2 ** ((midi - 69) / 12)))
    assert spectra.shape == (2, NUM_BINS, 2 * FRAMES)
    assert int(spectra[0, :, FRAMES].argmax()) == 3 * (midi - 21) + 1


def test_the_long_window_tells_low_semitones_apart(front: LogSpectrum) -> None:
    spectra = unshifted(front, sine(110.0))
    peak = 3 * (45 - 21) + 1
    assert float(spectra[0, peak, FRAMES] - spectra[0, peak + 3, FRAMES]) > 0.2


@pytest.mark.parametrize("midi", [45, 69, 105])
def test_a_full_scale_sine_reads_one_and_each_20_db_less_reads_half_less(
    front: LogSpectrum, midi: int
) -> None:
    hertz, peak = 440 * 2 ** ((midi - 69) / 12), 3 * (midi - 21) + 1
    levels = [float(unshifted(front, sine(hertz, a))[0, peak, FRAMES]) for a in (1.0, 0.1, 0.01)]
    assert levels == pytest.approx([1.0, 0.5, 0.0], abs=0.06)


def test_nothing_is_read_where_a_sine_is_not(front: LogSpectrum) -> None:
    # 4.8 and 6.1 kHz would fold to 1.5 kHz and 200 Hz if the low bins' input were just thinned
    for hertz in (4_800.0, 6_100.0):
        spectra = unshifted(front, sine(hertz))
        assert float(spectra[0, : SEAM_BIN - 36].max()) < -0.7, hertz


def test_time_is_told_finely_above_the_seam_in_the_second_version() -> None:
    """A click is seen for as long as the windows last: 93 ms, or 23 ms for high bins."""
    click = torch.zeros(1, LENGTH)
    click[0, LENGTH // 2] = 30.0

    def seen_s(version: int, bins: slice) -> float:
        spectra = unshifted(LogSpectrum(version), click)[1, bins].amax(0)
        return float((spectra > spectra.max() - 0.5).sum()) * LATENT_HOP / 2 / SAMPLE_RATE

    high, low = slice(SEAM_BIN + 3, NUM_BINS), slice(0, SEAM_BIN)
    assert seen_s(2, low) == seen_s(1, low) == seen_s(1, high) == pytest.approx(0.07, abs=0.02)
    assert seen_s(2, high) == pytest.approx(0.02, abs=0.011)


def test_both_versions_read_low_notes_and_their_overtones_alike() -> None:
    """The long window of the second is that of the first, thinned: 16,128 samples, not 16,384."""
    wav = sum(sine(220.0 * h, 0.3 / h) for h in range(1, 7))
    assert isinstance(wav, torch.Tensor)
    first, second = (unshifted(LogSpectrum(version), wav)[0, :SEAM_BIN] for version in (1, 2))
    loud = first > 0
    assert int(loud.sum()) > 200
    assert torch.allclose(first[loud], second[loud], atol=0.03)


def test_shifted_copies_bring_overtones_to_the_fundamental(front: LogSpectrum) -> None:
    stacked = front(sine(880.0), torch.ones(1, FRAMES))[0]
    a4 = 3 * (69 - 21) + 1
    second = 2 * HARMONICS.index(2)
    assert int(stacked[second, :, FRAMES].argmax()) == a4


def test_silence_reads_the_floor_everywhere(front: LogSpectrum) -> None:
    stacked = front(torch.zeros(1, LENGTH), torch.zeros(1, FRAMES))
    assert torch.allclose(stacked, torch.full_like(stacked, -1.0), atol=5e-3)


def test_only_loudness_relative_to_the_level_matters(front: LogSpectrum) -> None:
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
