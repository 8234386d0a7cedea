"""The harmonic-plus-noise synthesizer: amplitudes in, waveform out, no loop over samples.

Every partial of every pitch has a fixed frequency, so the spectrum of a short frame is a
fixed linear map of the partials' complex amplitudes: each adds the main lobe of a window
around its frequency. One inverse FFT per frame then plays thousands of partials at once,
and triangles of overlapping frames interpolate their amplitudes linearly. Pitches that
are silent are left out of all of it.

    frame j   ╱╲            centred on sample hop·j + hop/2
    frame j+1   ╱╲          spans ± hop, weight 1 at its centre, 0 at its neighbours'

Noise takes the same way with random phases and windows of constant power.

Source: inverse-FFT additive synthesis, Rodet and Depalle, AES Convention 93 (1992);
harmonic plus noise, Serra and Smith, Computer Music Journal 14(4) (1990).

B batch, P pitches that sound, A amplitude points, J control frames, H harmonics,
N partials, K FFT bins, Q noise bands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from umt_domains.harmonic.config import CONTROL_HOP, LOWEST_MIDI, NUM_PITCHES, SAMPLE_RATE
from umt_domains.harmonic.noise import random_phases

AMPLITUDE_POINTS = (*range(1, 17), 18, 20, 23, 26, 30, 35, 40, 46, 53, 61, 70, 80)
"""Harmonic numbers whose amplitudes are steered; those between are interpolated."""
HIGHEST_PARTIAL_HZ = 17_000
FFT_SIZE = 1024
LOBE_BINS = 5
"""Half width of the window's main lobe; beyond it the lobe is below −90 dB."""
BLACKMAN_HARRIS = (0.35875, 0.48829, 0.14128, 0.01168)
NUM_GROUPS = 24
"""Partials are sorted by frequency into groups, so that each touches few bins."""


class Synthesizer(nn.Module):
    """Steered amplitudes and noise levels → waveform.

    Args:
        inharmonicity: stiffness B at middle C; it doubles every octave.
        noise_bands: Q.
        cents: how much higher than A440 all is tuned.

    Shape:
        amplitudes: (B, P, A, J), pitches: (P,), noise: (B, Q, J)
        returns: (B, (J − 1)·hop), from the centre of the first frame to that of the last
    """

    _advance: Tensor
    _initial: Tensor
    _between: Tensor
    _noise_map: Tensor
    _tone_window: Tensor
    _noise_window: Tensor

    def __init__(self, inharmonicity: float, noise_bands: int, cents: float = 0.0) -> None:
        super().__init__()
        hertz, self._pitch, self._harmonic = _partials(inharmonicity, cents)
        # phases are counted in 2⁻³² turns: integers wrap as turns do, exactly, for ever
        advance = _turns(hertz * CONTROL_HOP / SAMPLE_RATE)
        self.register_buffer("_advance", advance[:, None], persistent=False)
        # partials that all start at phase 0 would click together: spread them evenly
        golden = torch.arange(len(hertz)) * ((math.sqrt(5) - 1) / 2)
        self.register_buffer("_initial", _turns(golden)[:, None], persistent=False)
        self.register_buffer("_between", _interpolation(), persistent=False)
        self.register_buffer("_noise_map", _noise_map(noise_bands), persistent=False)
        tone_window, noise_window = _windows()
        self.register_buffer("_tone_window", tone_window, persistent=False)
        self.register_buffer("_noise_window", noise_window, persistent=False)
        self._cosine_lobes, self._sine_lobes = _lobes(hertz * FFT_SIZE / SAMPLE_RATE)

    def forward(
        self,
        amplitudes: Tensor,
        pitches: Tensor,
        noise: Tensor,
        start: int = 0,
        seed: int = 0,
        key: int = 0,
    ) -> Tensor:
        """Play. `start` is the absolute number of the first control frame, −1 included.

        `pitches` are the rising numbers, from the lowest, of those that sound.
        """
        frames_J = torch.arange(amplitudes.shape[-1], device=amplitudes.device) + start
        tone = self._tone_spectrum(amplitudes, pitches.cpu(), frames_J)
        hiss = self._noise_spectrum(noise, frames_J, seed, key)
        return _overlapped(tone, self._tone_window) + _overlapped(hiss, self._noise_window)

    def _tone_spectrum(self, amplitudes: Tensor, pitches: Tensor, frames_J: Tensor) -> Tensor:
        """(B, P, A, J) → complex (B, K, J)."""
        row = torch.full((NUM_PITCHES,), -1)
        row[pitches] = torch.arange(len(pitches))
        chosen = (row[self._pitch] >= 0).nonzero()[:, 0]
        place = row[self._pitch[chosen]] * len(self._between) + self._harmonic[chosen]
        every = self._between @ amplitudes  # (B, P, H, J)
        amplitude = every.flatten(1, 2).index_select(1, place.to(every.device))
        advance, initial = (x[chosen.to(x.device)] for x in (self._advance, self._initial))
        phase = (frames_J.int() * advance + initial) * (math.pi * 2**-31)
        real = spread(amplitude * phase.cos(), among(chosen, self._cosine_lobes))
        imag = spread(amplitude * phase.sin(), among(chosen, self._sine_lobes))
        return torch.complex(real, imag)

    def _noise_spectrum(self, noise: Tensor, frames_J: Tensor, seed: int, key: int) -> Tensor:
        """(B, Q, J) → complex (B, K, J)."""
        level = self._noise_map @ noise
        phase = random_phases(seed, key, frames_J, level.shape[1]).T
        return torch.complex(level * phase.cos(), level * phase.sin())


def _partials(inharmonicity: float, cents: float) -> tuple[Tensor, Tensor, Tensor]:
    """Every audible partial by rising frequency: its hertz, pitch and harmonic, from 0."""
    midi = LOWEST_MIDI + torch.arange(NUM_PITCHES, dtype=torch.float64)[:, None]
    number = torch.arange(1, AMPLITUDE_POINTS[-1] + 1, dtype=torch.float64)
    stiffness = inharmonicity * 2 ** ((midi - 60) / 12)
    hertz = (
        440 * 2 ** ((midi - 69 + cents / 100) / 12) * number * (1 + stiffness * number**2).sqrt()
    )
    hertz, order = hertz.flatten().sort(stable=True)
    audible = hertz < HIGHEST_PARTIAL_HZ
    hertz, order = hertz[audible], order[audible]
    return hertz, order // AMPLITUDE_POINTS[-1], order % AMPLITUDE_POINTS[-1]


def _interpolation() -> Tensor:
    """Amplitudes of the points → of all harmonics, linear between points: (H, A)."""
    points = torch.tensor(AMPLITUDE_POINTS, dtype=torch.float32)
    number = torch.arange(1, AMPLITUDE_POINTS[-1] + 1, dtype=torch.float32)
    above = torch.searchsorted(points, number).clamp(min=1)
    share = (number - points[above - 1]) / (points[above] - points[above - 1])
    matrix = torch.zeros(len(number), len(points))
    matrix[torch.arange(len(number)), above] = share
    matrix[torch.arange(len(number)), above - 1] = 1 - share
    return matrix


def _turns(turns: Tensor) -> Tensor:
    """Fractions of a turn in units of 2⁻³², wrapped into int32."""
    return (turns.remainder(1) * 2**32).round().long().to(torch.int32)


def _blackman_harris(offset: Tensor) -> Tensor:
    """Four-term Blackman-Harris window at `offset` samples from its centre."""
    turn = 2 * math.pi * offset / FFT_SIZE
    return sum((a * (k * turn).cos() for k, a in enumerate(BLACKMAN_HARRIS)), offset.new_zeros(()))


def _blackman_harris_spectrum(distance: Tensor) -> Tensor:
    """Its transform, `distance` FFT bins from its centre frequency.

    Each cosine of the window shifts the transform of a rectangle, a Dirichlet kernel.
    """

    def dirichlet(x: Tensor) -> Tensor:
        return (FFT_SIZE - 1) * torch.sinc(x * (FFT_SIZE - 1) / FFT_SIZE) / torch.sinc(x / FFT_SIZE)

    terms = (
        a / 2 * (dirichlet(distance - k) + dirichlet(distance + k))
        for k, a in enumerate(BLACKMAN_HARRIS)
    )
    return sum(terms, distance.new_zeros(()))


def _windows() -> tuple[Tensor, Tensor]:
    """What an inverse FFT is multiplied by over ± hop: for tones and for noise.

    Tones leave the inverse FFT under a Blackman-Harris window, which is divided out in
    favour of a triangle. Noise overlaps with constant power.
    """
    offset = torch.arange(-CONTROL_HOP, CONTROL_HOP, dtype=torch.float64)
    triangle = 1 - offset.abs() / CONTROL_HOP
    tone = triangle / _blackman_harris(offset)
    noise = (triangle * math.pi / 2).sin() * math.sqrt(FFT_SIZE)
    return tone.float(), noise.float()


@dataclass(frozen=True)
class Lobes:
    """A group of partials of similar frequency, and the FFT bins their lobes reach."""

    partials: slice
    bins: slice
    matrix: Tensor
    """(bins, partials)"""


class _Spread(torch.autograd.Function):
    """The lobes' linear map, group by group, and its transpose for the gradient.

    Autograd through slices would write a whole array of zeros for each group.
    """

    @staticmethod
    def forward(ctx: Any, partials_BNJ: Tensor, groups: Sequence[Lobes]) -> Tensor:
        ctx.groups = groups
        num_batch, _, num_frames = partials_BNJ.shape
        spectrum_BKJ = partials_BNJ.new_zeros(num_batch, FFT_SIZE // 2 + 1, num_frames)
        for group in groups:
            matrix = group.matrix.to(partials_BNJ)
            spectrum_BKJ[:, group.bins] += matrix @ partials_BNJ[:, group.partials]
        return spectrum_BKJ

    @staticmethod
    def backward(ctx: Any, gradient_BKJ: Tensor) -> tuple[Tensor, None]:
        parts = [
            group.matrix.T.to(gradient_BKJ) @ gradient_BKJ[:, group.bins] for group in ctx.groups
        ]
        return torch.cat(parts, dim=1), None


def spread(partials: Tensor, groups: Sequence[Lobes]) -> Tensor:
    """Each partial's amplitude times its lobe, summed over FFT bins.

    Shape:
        partials: (B, N, J), returns: (B, FFT_SIZE / 2 + 1, J)
    """
    # torch does not annotate it
    apply: Callable[[Tensor, Sequence[Lobes]], Tensor] = _Spread.apply
    return apply(partials, groups)


def among(chosen: Tensor, groups: Sequence[Lobes]) -> list[Lobes]:
    """The groups of only some partials, whose rising numbers are `chosen`."""
    ends = torch.searchsorted(chosen, torch.tensor([group.partials.stop for group in groups]))
    smaller, first = [], 0
    for group, last in zip(groups, ends.tolist(), strict=True):
        columns = chosen[first:last] - group.partials.start
        smaller.append(Lobes(slice(first, last), group.bins, group.matrix[:, columns]))
        first = last
    return smaller


def _lobes(centre_bins: Tensor) -> tuple[list[Lobes], list[Lobes]]:
    """The lobes of all partials, by groups: for the cosine's parts and for the sine's.

    A real sinusoid also has a lobe at its negative frequency, which reaches over 0 Hz for
    low partials: added to the cosine's part, subtracted from the sine's.
    """

    def lobe(distance: Tensor) -> Tensor:
        near = distance.abs() < LOBE_BINS + 1
        return torch.zeros_like(distance).masked_scatter(
            near, _blackman_harris_spectrum(distance[near])
        )

    cosine_lobes, sine_lobes = [], []
    size = -(-len(centre_bins) // NUM_GROUPS)
    for first in range(0, len(centre_bins), size):
        centre = centre_bins[first : first + size]
        low = max(0, int(centre[0]) - LOBE_BINS)
        high = min(FFT_SIZE // 2, int(centre[-1]) + LOBE_BINS + 1)
        bins = torch.arange(low, high + 1)[:, None]
        # the inverse FFT puts time zero at sample 0, the frame wants it in the middle
        centring = 0.5 * (1 - 2 * (bins % 2))
        ahead, behind = lobe(centre - bins), lobe(centre + bins)
        place = slice(first, first + len(centre)), slice(low, high + 1)
        cosine_lobes.append(Lobes(*place, ((ahead + behind) * centring).float()))
        sine_lobes.append(Lobes(*place, ((ahead - behind) * centring).float()))
    return cosine_lobes, sine_lobes


def _noise_map(num_bands: int) -> Tensor:
    """Triangles of noise bands, evenly spaced in mel, over FFT bins: (K, Q)."""
    hertz = torch.linspace(0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1)
    mel = 2595 * torch.log10(1 + hertz / 700)
    position = mel / mel[-1] * (num_bands - 1)
    distance = (position[:, None] - torch.arange(num_bands)).abs()
    return (1 - distance).clamp_min(0)


def _overlapped(spectrum_BKJ: Tensor, window: Tensor) -> Tensor:
    """Inverse FFT and overlap-add, from the first frame's centre to the last one's."""
    middle = slice(FFT_SIZE // 2 - CONTROL_HOP, FFT_SIZE // 2 + CONTROL_HOP)
    frames = torch.fft.irfft(spectrum_BKJ.transpose(1, 2), n=FFT_SIZE)[..., middle] * window
    falling, rising = frames[:, :-1, CONTROL_HOP:], frames[:, 1:, :CONTROL_HOP]
    wav: Tensor = (falling + rising).flatten(1)
    return wav
