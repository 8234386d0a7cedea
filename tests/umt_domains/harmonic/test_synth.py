"""The synthesizer against sums of cosines, one sample at a time, in float64."""

import math

import pytest
import torch

from umt_domains.harmonic.config import CONTROL_HOP, SAMPLE_RATE
from umt_domains.harmonic.synth import AMPLITUDE_POINTS, Synthesizer

BANDS = 16
A4 = 69 - 21
ALL = torch.arange(88)


@pytest.fixture(scope="module")
def synth() -> Synthesizer:
    return Synthesizer(inharmonicity=0.0, noise_bands=BANDS)


def silence(num_frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.zeros(1, 88, len(AMPLITUDE_POINTS), num_frames), torch.zeros(1, BANDS, num_frames)


def level_db(wav: torch.Tensor, hertz: float) -> float:
    """Amplitude of a sinusoid in the middle of a waveform, by a windowed correlation."""
    n = torch.arange(len(wav), dtype=torch.float64)
    window = torch.hann_window(len(wav), dtype=torch.float64)
    turn = torch.exp(-2j * math.pi * hertz * n / SAMPLE_RATE)
    amplitude = 2 * (wav.double() * window * turn).sum().abs() / window.sum()
    return 20 * math.log10(float(amplitude) + 1e-12)


def test_one_steady_partial_is_a_sine_of_its_amplitude(synth: Synthesizer) -> None:
    amplitudes, noise = silence(41)
    amplitudes[0, A4, 0] = 0.5
    wav = synth(amplitudes, ALL, noise)[0]
    n = torch.arange(len(wav), dtype=torch.float64)
    basis = torch.stack([f(2 * math.pi * 440 * n / SAMPLE_RATE) for f in (torch.cos, torch.sin)], 1)
    fit = torch.linalg.lstsq(basis, wav.double()[:, None]).solution
    assert float(fit.norm()) == pytest.approx(0.5, rel=1e-3)
    residue = wav.double() - (basis @ fit)[:, 0]
    assert 20 * math.log10(float(residue.abs().max()) / 0.5) < -70


def test_amplitudes_are_interpolated_linearly_between_frame_centres(synth: Synthesizer) -> None:
    amplitudes, noise = silence(3)
    amplitudes[0, A4, 0] = torch.tensor([0.0, 1.0, 0.0])
    wav = synth(amplitudes, ALL, noise)[0]
    envelope = 1 - (torch.arange(2 * CONTROL_HOP) - CONTROL_HOP).abs() / CONTROL_HOP
    steady = synth(
        torch.where(amplitudes.amax(-1, keepdim=True) > 0, 1.0, 0.0).expand_as(amplitudes),
        ALL,
        noise,
    )[0]
    assert torch.allclose(wav, envelope * steady, atol=2e-3)


@pytest.mark.parametrize("hertz", [27.5, 55.0, 4186.01])
def test_the_ends_of_the_keyboard_are_in_tune(synth: Synthesizer, hertz: float) -> None:
    amplitudes, noise = silence(201)
    amplitudes[0, round(12 * math.log2(hertz / 27.5)), 0] = 0.1
    wav = synth(amplitudes, ALL, noise)[0]
    assert level_db(wav, hertz) == pytest.approx(-20, abs=0.1)
    assert level_db(wav, hertz * 2 ** (1 / 12)) < -45


def test_harmonics_between_the_points_are_interpolated(synth: Synthesizer) -> None:
    amplitudes, noise = silence(201)
    amplitudes[0, 12, AMPLITUDE_POINTS.index(18)] = 0.1
    wav = synth(amplitudes, ALL, noise)[0]
    assert level_db(wav, 55 * 18) == pytest.approx(-20, abs=0.1)
    assert level_db(wav, 55 * 17) == pytest.approx(-26, abs=0.1)
    assert level_db(wav, 55 * 16) < -80


def test_stiff_strings_have_sharp_overtones() -> None:
    stiff = Synthesizer(inharmonicity=4e-4, noise_bands=BANDS)
    amplitudes, noise = silence(201)
    amplitudes[0, 60 - 21, 7] = 0.1
    c4 = 440 * 2 ** (-9 / 12)
    expected = 8 * c4 * math.sqrt(1 + 4e-4 * 64)
    assert level_db(stiff(amplitudes, ALL, noise)[0], expected) == pytest.approx(-20, abs=0.1)


def test_noise_of_level_one_is_white_and_has_unit_power(synth: Synthesizer) -> None:
    amplitudes, noise = silence(401)
    wav = synth(amplitudes, ALL, noise + 1)[0]
    assert float(wav.square().mean().sqrt()) == pytest.approx(1.0, rel=0.03)
    power = torch.stft(wav, 512, window=torch.hann_window(512), return_complex=True).abs().square()
    octaves = [power[low:high].mean() for low, high in ((8, 16), (64, 128), (128, 250))]
    assert max(octaves) / min(octaves) < 1.3


def test_noise_depends_on_seed_and_key_and_place_but_not_on_pieces(synth: Synthesizer) -> None:
    amplitudes, noise = silence(21)
    noise = noise + 1
    whole = synth(amplitudes, ALL, noise, start=100, seed=3, key=5)
    late = synth(amplitudes[..., 10:], ALL, noise[..., 10:], start=110, seed=3, key=5)
    assert torch.allclose(whole[:, 10 * CONTROL_HOP :], late, atol=1e-6)
    for other in ({"seed": 4, "key": 5}, {"seed": 3, "key": 6}, {"seed": 5, "key": 3}):
        wav = synth(amplitudes, ALL, noise, start=100, **other)
        correlation = torch.corrcoef(torch.cat([whole, wav]))[0, 1]
        assert abs(float(correlation)) < 0.1


def test_phases_stay_true_after_ten_hours(synth: Synthesizer) -> None:
    amplitudes, noise = silence(11)
    amplitudes[0, A4, 0] = 0.5
    start = 10 * 3600 * 100  # a whole number of seconds: 440 Hz is where it was
    assert torch.allclose(
        synth(amplitudes, ALL, noise), synth(amplitudes, ALL, noise, start=start), atol=0.02
    )


def test_leaving_out_silent_pitches_changes_nothing(synth: Synthesizer) -> None:
    amplitudes, noise = silence(21)
    sounding = torch.tensor([0, 40, A4, 87])
    amplitudes[:, sounding] = torch.rand(1, 4, len(AMPLITUDE_POINTS), 21)
    whole = synth(amplitudes, ALL, noise)
    assert torch.allclose(whole, synth(amplitudes[:, sounding], sounding, noise), atol=1e-4)
