"""A room around the music: what its walls give back is noise that fades away.

    played ──┬──────────────────────────▶ + ──▶ heard
             └── a moment ──▶ the tail ──▶┘

Every sample of the tail is known beforehand, so that a room is a filter of bounded length:
windows of the music play it, and pieces equal the whole. Nothing sounds after the music's
end, which is the output's.

T samples, K samples of the tail.

Source: Moorer, About This Reverberation Business (Computer Music Journal 3(2), 1979): the
response of a concert hall resembles white noise with an exponential envelope.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction

import torch
from torch import Tensor

from umt_domains.counter import uniform
from umt_domains.harmonic.config import SAMPLE_RATE
from umtcli.domain import Streams
from umtcli.pipeline.windows import WindowedStreams

SMALLEST_S, LARGEST_S = 0.3, 3.0
"""Reverberation times of the smallest room and the largest: what sounds has faded by 60 dB."""
SOONEST_S, LATEST_S = 0.005, 0.025
"""When their walls are heard first."""
LOUDEST = 0.6
"""Amplitude of the largest room's tail in white noise, beside what is played."""
LOWEST_HZ, NUM_OCTAVES = 125.0, 8
DULL_HZ = 8000.0
"""Here sound fades in half the time, as air and walls swallow it."""


class Room:
    """One room.

    Args:
        size: 0 … 1, not 0: a chamber … a hall.
        step: samples to compute at a time.
    """

    def __init__(self, size: float, step: int) -> None:
        tail_K = tail(size)
        self._before, self._step = len(tail_K) - 1, step
        self._num_samples = _fast_size(self._before + step)
        self._response = torch.fft.rfft(tail_K, self._num_samples)

    def around(self, played: Streams) -> InRoom:
        """Streams that play in it."""
        room = WindowedStreams(
            self._window, step=self._step, before=self._before, after=0, ratio=Fraction(1)
        )
        return InRoom(played, room)

    def _window(self, window_T: Tensor, start: int, key: int) -> Tensor:
        """As much of the past as the tail is long, and n samples → these n in the room."""
        del start, key  # everywhere the same
        spectrum = torch.fft.rfft(window_T, self._num_samples) * self._response
        middle = slice(self._before, len(window_T))
        echo_T: Tensor = torch.fft.irfft(spectrum, self._num_samples)[middle]
        return window_T[middle] + echo_T


class InRoom:
    """Streams whose output goes through a room; an `umtcli.domain.Streams`."""

    batches = False

    def __init__(self, played: Streams, room: WindowedStreams) -> None:
        self._played = played
        self._room = room
        self._places: dict[int, int] = {}
        """Streams of the room, by those of what is played."""

    def open(self, key: int = 0) -> int:
        """Start a stream and return its id."""
        stream_id = self._played.open(key)
        self._places[stream_id] = self._room.open(key)
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Play blocks; return what is ready."""
        return self._enter(self._played.push(blocks))

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End streams; return what is left."""
        ready = self._enter(self._played.finish(ids))
        places = {i: self._places.pop(i) for i in ready}
        rest = self._room.finish(places.values())
        return {i: torch.cat([ready[i], rest[place]]) for i, place in places.items()}

    def _enter(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        ready = self._room.push({self._places[i]: block for i, block in blocks.items()})
        return {i: ready[self._places[i]] for i in blocks}


def reverberation_s(size: float) -> float:
    """How long a room is heard, up to about 2 kHz: until it has faded by 60 dB.

    >>> reverberation_s(0.0), reverberation_s(1.0)
    (0.3, 3.0)
    """
    return SMALLEST_S * math.pow(LARGEST_S / SMALLEST_S, size)


def _fast_size(num_samples: int) -> int:
    """The next number of samples with no prime factor above 5, for quick transforms.

    The next power of two may be nearly twice as many.

    >>> _fast_size(308_699)
    311040
    """
    odd: list[int] = [3**b * 5**c for b in range(6) for c in range(4)]
    return min(factor << (-(-num_samples // factor) - 1).bit_length() for factor in odd)


def tail(size: float) -> Tensor:
    """What a room gives back of a click, without the click itself: float32 (K,).

    Args:
        size: 0 … 1.
    """
    delay = round((SOONEST_S + (LATEST_S - SOONEST_S) * size) * SAMPLE_RATE)
    num_samples = round(reverberation_s(size) * SAMPLE_RATE)
    noise = torch.fft.rfft(2 * uniform(0, 0, 0, num_samples) - 1)
    hertz = torch.linspace(0, SAMPLE_RATE / 2, len(noise))
    octave = (hertz / LOWEST_HZ).log2().clamp(0, NUM_OCTAVES - 1)
    at_s = torch.arange(num_samples) / SAMPLE_RATE
    fading = torch.zeros(num_samples)
    for number in range(NUM_OCTAVES):
        # neighbours overlap, and all together are the whole noise
        band = torch.fft.irfft(noise * (1 - (octave - number).abs()).clamp_min(0), num_samples)
        faster = 1 + (LOWEST_HZ * 2**number / DULL_HZ) ** 2
        fading += band * 10 ** (-3 * faster * at_s / reverberation_s(size))
    fading *= LOUDEST * size / fading.square().sum().sqrt()
    return torch.cat([torch.zeros(delay), fading])
