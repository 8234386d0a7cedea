"""A room is a filter that is known: its tail fades as told, however the music is cut."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from torch import Tensor

from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.room import (
    DULL_HZ,
    LATEST_S,
    LOUDEST,
    SOONEST_S,
    Room,
    reverberation_s,
    tail,
)
from umtcli.pipeline.subject import feed
from umtcli.pipeline.windows import WindowedStreams

STEP = 4096
pytestmark = pytest.mark.usefixtures("one_thread")


def straight() -> WindowedStreams:
    """A decoder that plays what it is given, in windows of its own."""
    return WindowedStreams(lambda x, _, __: x, step=1000, before=0, after=0, ratio=Fraction(1))


def heard(wav_T: Tensor, size: float, pieces: tuple[int, ...] = ()) -> Tensor:
    return feed(Room(size, STEP).around(straight()), wav_T, pieces)


def noise(num_samples: int) -> Tensor:
    return torch.randn(num_samples, generator=torch.Generator().manual_seed(1))


def test_a_click_is_heard_with_the_tail_behind_it() -> None:
    click_T = torch.zeros(30_000)
    click_T[100] = 1
    out_T, tail_K = heard(click_T, 0.2), tail(0.2)
    assert out_T[:101].tolist() == pytest.approx(click_T[:101].tolist(), abs=1e-6)
    assert torch.allclose(out_T[100:][1 : len(tail_K)], tail_K[1:], atol=1e-6)
    assert out_T[100 + len(tail_K) :].abs().max() < 1e-6


def test_it_is_a_convolution() -> None:
    wav_T, tail_K = noise(9_000), tail(0.1)
    slow_T = wav_T.double().clone()
    for place in tail_K.nonzero()[:, 0].tolist():
        if place < len(wav_T):
            slow_T[place:] += tail_K[place].double() * wav_T[: len(wav_T) - place]
    assert torch.allclose(heard(wav_T, 0.1).double(), slow_T, atol=1e-5)


def fading_s(size: float, centre_hz: float) -> float:
    """Until an octave of the tail has faded by 60 dB, from its fall from −5 to −25 dB."""
    tail_K = tail(size).double()
    spectrum = torch.fft.rfft(tail_K, 2 * len(tail_K))
    hertz = torch.linspace(1e-3, SAMPLE_RATE / 2, len(spectrum))
    spectrum *= torch.exp(-0.5 * ((hertz / centre_hz).log2() / 0.4) ** 2)
    octave_K = torch.fft.irfft(spectrum)[: len(tail_K)]
    # Schroeder's integral: the energy that is still to come
    left_K = octave_K.square().flip(0).cumsum(0).flip(0)
    level_K = 10 * (left_K / left_K[0]).log10()
    first, last = (int((level_K < level_db).nonzero()[0]) for level_db in (-5, -25))
    return (last - first) / SAMPLE_RATE * 60 / 20


@pytest.mark.parametrize("size", [0.1, 0.5, 1.0])
def test_the_tail_fades_as_its_reverberation_time_says(size: float) -> None:
    assert fading_s(size, 1000.0) == pytest.approx(reverberation_s(size), rel=0.1)


def test_high_sounds_fade_sooner() -> None:
    shares = [fading_s(0.7, hertz) / reverberation_s(0.7) for hertz in (2000, DULL_HZ, 12_000)]
    assert shares[0] == pytest.approx(0.94, abs=0.1)
    assert shares[1] == pytest.approx(0.5, abs=0.12)
    assert shares[2] < shares[1]


@pytest.mark.parametrize("size", [0.01, 0.5, 1.0])
def test_larger_rooms_are_louder_and_answer_later(size: float) -> None:
    tail_K = tail(size)
    assert float(tail_K.square().sum().sqrt()) == pytest.approx(LOUDEST * size, rel=1e-4)
    silent_s = int(tail_K.nonzero()[0]) / SAMPLE_RATE
    assert silent_s == pytest.approx(SOONEST_S + size * (LATEST_S - SOONEST_S), abs=1e-4)


@pytest.mark.parametrize("pieces", [(1, 0, 4095), (5000,) * 5, (29_999,)])
def test_pieces_equal_the_whole_to_the_last_bit(pieces: tuple[int, ...]) -> None:
    wav_T = noise(30_000)
    assert torch.equal(heard(wav_T, 0.3, pieces), heard(wav_T, 0.3))


@pytest.mark.parametrize("num_samples", [0, 1, STEP, STEP + 1, 10_001])
def test_the_length_stays(num_samples: int) -> None:
    assert heard(noise(num_samples), 0.5).shape == (num_samples,)


def test_silence_stays_silent() -> None:
    assert not heard(torch.zeros(10_000), 1.0).any()


def test_streams_share_nothing_but_the_room() -> None:
    streams = Room(0.1, STEP).around(straight())
    loud, other = streams.open(), streams.open(7)
    parts = [streams.push({loud: 100 * noise(20_000), other: noise(20_000)})[other]]
    streams.finish([loud])
    parts.append(streams.finish([other])[other])
    assert torch.equal(torch.cat(parts), heard(noise(20_000), 0.1))


def test_a_room_takes_little_of_the_level() -> None:
    """White noise gains the energy of the tail, and no more."""
    wav_T = noise(4 * SAMPLE_RATE)
    late_T = heard(wav_T, 0.5)[SAMPLE_RATE:]
    gain = float(late_T.square().mean() / wav_T[SAMPLE_RATE:].square().mean())
    assert 10 * math.log10(gain) == pytest.approx(10 * math.log10(1 + 0.3**2), abs=0.2)
