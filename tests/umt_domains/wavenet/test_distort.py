"""The distortion, on a sine: out of tune inside a part of each second, untouched outside."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from umt_domains.wavenet.distort import Distortion, local_pitch, shifted

RATE = 16_000
HERTZ = 440.0


def sine(num_samples: int = RATE, hertz: float = HERTZ) -> Tensor:
    time = torch.arange(num_samples, dtype=torch.float64) / RATE
    return (0.5 * torch.sin(2 * math.pi * hertz * time)).float()


def pitch_hz(wav_T: Tensor) -> float:
    """Frequency of a sine by the slope of its analytic signal's phase."""
    x = wav_T.double().numpy()
    turn = np.exp(-2j * np.pi * HERTZ * np.arange(len(x)) / RATE)
    # a window of whole periods removes the image at twice the frequency
    period = round(20 * RATE / HERTZ)
    slow = np.convolve(x * turn, np.hanning(period), "valid")
    drift = np.polyfit(np.arange(len(slow)), np.unwrap(np.angle(slow)), 1)[0]
    return float(HERTZ + drift * RATE / (2 * np.pi))


@pytest.mark.parametrize("first", [0, 5000, RATE - 6000], ids=["start", "middle", "end"])
@pytest.mark.parametrize("semitones", [-0.5, 0.3, 0.5])
def test_the_pitch_moves_inside_and_nothing_else_does(first: int, semitones: float) -> None:
    clean = sine()
    heard = shifted(clean, first, 6000, semitones, fade=160)
    assert heard.shape == clean.shape
    assert torch.equal(heard[:first], clean[:first])
    assert torch.equal(heard[first + 6000 :], clean[first + 6000 :])
    inside = heard[first + 160 : first + 6000 - 160]
    moved = 12 * math.log2(pitch_hz(inside) / HERTZ)
    assert moved == pytest.approx(semitones, abs=0.01)
    assert inside.square().mean().sqrt().item() == pytest.approx(0.5 / math.sqrt(2), rel=0.01)


def test_no_shift_changes_nothing_that_could_be_heard() -> None:
    clean = sine(hertz=3000.0)
    heard = shifted(clean, 4000, 6000, 0.0, fade=160)
    assert (heard - clean).abs().max() < 1e-4


def test_the_fades_leave_no_step() -> None:
    clean = sine()
    heard = shifted(clean, 5000, 6000, 0.5, fade=160)
    assert heard.diff().abs().max() < 1.1 * clean.diff().abs().max()


def test_a_quarter_to_half_of_every_second_is_shifted() -> None:
    clean = sine(3 * RATE)
    shares = []
    for number in range(20):
        changed = (local_pitch(clean, RATE, 1, number) != clean).view(3, RATE)
        for second in changed:
            places = second.nonzero()[:, 0]
            # a sample may stay by chance, at either end
            shares.append(int(places[-1] - places[0] + 1) / RATE)
    assert 0.24 < min(shares) < 0.3
    assert 0.45 < max(shares) <= 0.5


def test_shifts_reach_half_a_semitone_up_and_down() -> None:
    moved = []
    for number in range(30):
        heard = local_pitch(sine(), RATE, 1, number)
        places = (heard != sine()).nonzero()[:, 0]
        inside = heard[int(places[0]) + 200 : int(places[-1]) - 200]
        moved.append(12 * math.log2(pitch_hz(inside) / HERTZ))
    assert -0.51 < min(moved) < -0.35
    assert 0.35 < max(moved) < 0.51


def test_draws_are_keyed_by_seed_and_example() -> None:
    wav = sine()
    one = local_pitch(wav, RATE, 1, 7)
    assert torch.equal(one, local_pitch(wav, RATE, 1, 7))
    assert not torch.equal(one, local_pitch(wav, RATE, 1, 8))
    assert not torch.equal(one, local_pitch(wav, RATE, 2, 7))


def test_what_is_given_stays_as_it_was() -> None:
    wav = sine()
    local_pitch(wav, RATE, 1, 0)
    assert torch.equal(wav, sine())


@pytest.mark.parametrize("num_samples", [0, 1, RATE // 2 - 1])
def test_less_than_half_a_second_stays_as_it_is(num_samples: int) -> None:
    wav = sine(num_samples)
    assert torch.equal(local_pitch(wav, RATE, 1, 0), wav)


def test_the_shortest_example_that_is_shifted() -> None:
    wav = sine(RATE // 2)
    changed = (local_pitch(wav, RATE, 1, 0) != wav).nonzero()[:, 0]
    assert int(changed[-1] - changed[0]) == pytest.approx(RATE // 4, abs=200)


def test_how_much_is_shifted_can_be_told() -> None:
    wav = sine()[:RATE]
    octave = Distortion(semitones=12, shortest_s=0.1, longest_s=0.1)
    heard = [local_pitch(wav, RATE, 1, number, octave) for number in range(20)]
    changed = [(h != wav).nonzero()[:, 0] for h in heard]
    assert all(c[-1] - c[0] < 0.1 * RATE for c in changed)
    # as far as an octave down, and as far as one up
    inside = [h[c[0] + 160 : c[-1] - 160] for h, c in zip(heard, changed, strict=True)]
    crossings = [(part[1:] * part[:-1] < 0).sum().item() for part in inside]
    hertz = [n / 2 * RATE / len(part) for n, part in zip(crossings, inside, strict=True)]
    assert min(hertz) < 0.65 * HERTZ
    assert max(hertz) > 1.6 * HERTZ
    none = Distortion(semitones=0)
    assert torch.allclose(local_pitch(wav, RATE, 1, 0, none), wav, atol=1e-3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"semitones": -1}, "semitones must be in 0 … 12, not -1"),
        ({"semitones": "much"}, "semitones must be a number, not 'much'"),
        ({"shortest_s": 0.3, "longest_s": 0.2}, "must rise in 0.02 … 0.5, not 0.3, 0.2"),
        ({"equalizer_db": -1}, "equalizer_db must be in 0 … 60, not -1"),
        ({"overdrive_db": 61}, "overdrive_db must be in 0 … 60, not 61"),
        ({"wrong_past_s": 2.0}, "wrong_past_s must be in 0 … 1, not 2.0"),
        ({"longest_s": 0.7}, "must rise in 0.02 … 0.5, not 0.25, 0.7"),
    ],
)
def test_distortions_that_make_no_sense_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Distortion(**values)
