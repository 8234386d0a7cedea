"""Other timbres, on sines: each as loud as its band says, nothing moved, the level kept."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from umt_domains.wavenet.distort import Distortion, distorted, local_pitch
from umt_domains.wavenet.learning import WavenetLearning
from umt_domains.wavenet.timbre import LOWEST_HZ, equalized, overdriven, retimbred

RATE = 16_000


def sine(hertz: float, amplitude: float = 0.5, num_samples: int = RATE) -> Tensor:
    time = torch.arange(num_samples, dtype=torch.float64) / RATE
    return (amplitude * torch.sin(2 * math.pi * hertz * time)).float()


def partial(wav_T: Tensor, hertz: float) -> complex:
    """Amplitude and phase of a partial, in the middle of a waveform."""
    middle = wav_T[RATE // 4 : 3 * RATE // 4].double().numpy()
    time = np.arange(RATE // 4, 3 * RATE // 4) / RATE
    window = np.hanning(len(middle))
    return complex((middle * window * np.exp(-2j * np.pi * hertz * time)).sum() / window.sum() * 2)


@pytest.mark.parametrize(
    ("hertz", "db"),
    [(40.0, -6.0), (80.0, -6.0), (800.0, 12.0), (math.sqrt(800 * 8000), 3.0), (7990.0, -6.0)],
    ids=["below", "lowest", "a band", "between", "highest"],
)
def test_a_partial_is_as_loud_as_its_band_says(hertz: float, db: float) -> None:
    gains = np.array([-6.0, 12.0, -6.0])  # at 80, 800 and 8000 Hz
    before = sine(hertz)
    changed = partial(equalized(before, RATE, gains), hertz) / partial(before, hertz)
    assert 20 * math.log10(abs(changed)) == pytest.approx(db, abs=0.1)
    assert np.angle(changed) == pytest.approx(0, abs=1e-3)
    assert LOWEST_HZ == 80


def test_bands_that_are_alike_change_the_level_alone() -> None:
    wav = torch.randn(5000, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(equalized(wav, RATE, np.full(7, 20.0)), 10 * wav, atol=1e-4)


def test_what_is_overdriven_has_odd_harmonics_in_step() -> None:
    # a sine that is clipped hard is a square wave: its third partial a third, the second none
    loud = overdriven(sine(200.0, amplitude=1.0), gain_db=60.0)
    first, second, third = (abs(partial(loud, 200.0 * h)) for h in (1, 2, 3))
    assert first == pytest.approx(4 / math.pi, rel=0.01)
    assert third / first == pytest.approx(1 / 3, rel=0.02)
    assert second < 1e-3


def test_without_gain_nothing_is_overdriven() -> None:
    wav = sine(200.0)
    assert torch.equal(overdriven(wav, 0.0), wav)
    soft = (overdriven(wav, 0.01) - wav).abs().max()
    assert 0 < soft < 1e-3


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("how", [(15.0, 0.0), (0.0, 20.0), (15.0, 20.0)], ids=str)
def test_the_level_stays_and_the_timbre_does_not(number: int, how: tuple[float, float]) -> None:
    wav = sine(200.0, 0.1) + sine(600.0, 0.02) + sine(2000.0, 0.02)
    heard = retimbred(wav, RATE, np.random.default_rng(number), *how)
    assert heard.square().mean().item() == pytest.approx(wav.square().mean().item(), rel=1e-4)
    before, after = (abs(partial(w, 600.0) / partial(w, 200.0)) for w in (wav, heard))
    assert after != pytest.approx(before, rel=0.05)


def test_overdrive_does_not_depend_on_the_level() -> None:
    wav = sine(200.0, 0.05) + sine(600.0, 0.02)
    soft, loud = (retimbred(w, RATE, np.random.default_rng(1), 0.0, 20.0) for w in (wav, 4 * wav))
    assert torch.allclose(4 * soft, loud, atol=1e-5)


def test_nothing_clips() -> None:
    wav = sum((sine(220.0 * h, 0.4 / h) for h in range(1, 5)), torch.zeros(RATE))
    heard = [retimbred(wav, RATE, np.random.default_rng(n), 12.0, 12.0) for n in range(50)]
    peaks = [h.abs().max().item() for h in heard]
    assert max(peaks) == pytest.approx(1)
    assert min(peaks) < 0.95


def test_silence_stays_silent() -> None:
    random = np.random.default_rng(1)
    assert not retimbred(torch.zeros(2000), RATE, random, 15.0, 20.0).any()


def test_no_timbre_is_the_papers_distortion() -> None:
    wav = sine(300.0)
    assert torch.equal(distorted(wav, RATE, 1, 7), local_pitch(wav, RATE, 1, 7))


def test_encoders_hear_what_is_distorted() -> None:
    how = {"equalizer_db": 15.0}
    wav = sine(200.0, 0.1, 8000) + sine(600.0, 0.02, 8000)
    heard = WavenetLearning.of({}, how).rehear(wav, 1, 7)
    assert torch.equal(heard, distorted(wav, RATE, 1, 7, Distortion(**how)))


def test_a_timbre_is_drawn_for_each_example() -> None:
    wav, how = sine(200.0) + sine(600.0, 0.1), Distortion(semitones=0, equalizer_db=15.0)
    one = distorted(wav, RATE, 1, 7, how)
    assert torch.equal(one, distorted(wav, RATE, 1, 7, how))
    assert not torch.allclose(one, distorted(wav, RATE, 1, 8, how), atol=1e-3)
    assert not torch.allclose(one, distorted(wav, RATE, 2, 7, how), atol=1e-3)
