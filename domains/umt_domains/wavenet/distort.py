"""The paper's distortion: a part of what the encoder hears is a little out of tune.

A decoder that were steered by the recording's own pitch curve would find there what no
other performance leaves. The part is read faster or slower about its own middle, so that
nothing drifts by more than 7.5 ms and the length stays; its ends fade into the original:

    heard    ───────────╳━━━━━━━━━━━━━━━━━━╳───────────
    read        at t    ╳  middle + s·(t − middle)  ╳    at t

T samples, N samples of the part, K taps.

Source: arXiv:1805.07848, section 3.3: "0.25 to 0.5 s, between −0.5 and 0.5 of half-steps".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from umt_domains.wavenet.timbre import retimbred

EXAMPLE_S = 1.0
"""One part of each second is shifted: the paper's examples are a second long."""
FADE_S = 0.01
TAPS = 32  # K
DISTORTED = 4  # keeps these draws apart from those of the examples
RETIMBRED = 6


@dataclass(frozen=True)
class Distortion:
    """How much is out of tune, and of another timbre; the defaults are the paper's."""

    semitones: float = 0.5
    """The largest shift, up or down."""
    shortest_s: float = 0.25
    """Of the part that is shifted in each second."""
    longest_s: float = 0.5
    equalizer_db: float = 0.0
    """Of a random equalizer over the whole example: the largest gain, up or down."""
    overdrive_db: float = 0.0
    """Of a random overdrive over the whole example: the largest gain."""
    wrong_past_s: float = 0.0
    """How much of another example decoders are told was there before theirs; at 0, silence. It is
    nothing that the encoder hears, and stays where a recipe has `distorted = false`."""

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if type(value) not in (int, float):
                raise ValueError(f"{name} must be a number, not {value!r}")
        if not 0 <= self.semitones <= 12:
            raise ValueError(f"semitones must be in 0 … 12, not {self.semitones}")
        if not 2 * FADE_S <= self.shortest_s <= self.longest_s <= EXAMPLE_S / 2:
            raise ValueError(
                f"shortest_s and longest_s must rise in {2 * FADE_S:g} … {EXAMPLE_S / 2:g}, "
                f"not {self.shortest_s}, {self.longest_s}"
            )
        for name in ("equalizer_db", "overdrive_db"):
            if not 0 <= getattr(self, name) <= 60:
                raise ValueError(f"{name} must be in 0 … 60, not {getattr(self, name)}")
        if not 0 <= self.wrong_past_s <= 1:
            raise ValueError(f"wrong_past_s must be in 0 … 1, not {self.wrong_past_s}")


PAPER = Distortion()


def distorted(
    wav_T: Tensor, sample_rate: int, seed: int, number: int, how: Distortion = PAPER
) -> Tensor:
    """What the encoder hears of an example; arguments and shape as for `local_pitch`."""
    heard_T = local_pitch(wav_T, sample_rate, seed, number, how)
    if how.equalizer_db == how.overdrive_db == 0:
        return heard_T
    random = np.random.default_rng((seed, number, RETIMBRED))
    return retimbred(heard_T, sample_rate, random, how.equalizer_db, how.overdrive_db)


def local_pitch(
    wav_T: Tensor, sample_rate: int, seed: int, number: int, how: Distortion = PAPER
) -> Tensor:
    """Shift a random part of each second by a random fraction of a semitone.

    A part takes at most half of its second. A rest that is shorter than twice the shortest
    part stays as it is.

    Args:
        wav_T: float32, on the CPU.
        sample_rate: in Hz.
        seed: of the run.
        number: of the example; with the seed it keys every draw.
        how: much.

    Shape:
        returns: (T,)
    """
    heard_T = wav_T.clone()
    length = round(EXAMPLE_S * sample_rate)
    shortest = round(how.shortest_s * sample_rate)
    for second, piece_T in enumerate(heard_T.split(length)):
        longest = min(round(how.longest_s * sample_rate), len(piece_T) // 2)
        if longest < shortest:
            continue
        random = np.random.default_rng((seed, number, second, DISTORTED))
        num_samples = int(random.integers(shortest, longest + 1))
        first = int(random.integers(len(piece_T) - num_samples + 1))
        semitones = random.uniform(-how.semitones, how.semitones)
        piece_T[:] = shifted(piece_T, first, num_samples, semitones, round(FADE_S * sample_rate))
    return heard_T


def shifted(wav_T: Tensor, first: int, num_samples: int, semitones: float, fade: int) -> Tensor:
    """Shift the pitch of the samples from `first` on; the others stay as they are.

    Args:
        wav_T: float32; at least a little longer than the part.
        first: sample of the part.
        num_samples: N.
        semitones: up or down.
        fade: samples at both ends of the part that cross from one to the other.

    Shape:
        returns: (T,)
    """
    speed = 2 ** (semitones / 12)
    offsets = (torch.arange(num_samples, dtype=torch.float64) - (num_samples - 1) / 2) * speed
    middle = first + (num_samples - 1) / 2
    # at an end of the waveform the part is read from a little further in
    reach = float(offsets[-1])
    middle = min(max(middle, reach), len(wav_T) - 1 - reach)
    moved_N = _read(wav_T, middle + offsets)
    edge = torch.arange(1, num_samples + 1) / (fade + 1)
    share_N = torch.minimum(edge, edge.flip(0)).clamp(max=1).to(wav_T.dtype)
    heard_T = wav_T.clone()
    part_N = heard_T[first : first + num_samples]
    part_N += share_N * (moved_N - part_N)
    return heard_T


def _read(wav_T: Tensor, position_N: Tensor) -> Tensor:
    """Samples between samples, by a windowed sinc of K taps; silence beyond the ends."""
    padded_T = torch.nn.functional.pad(wav_T.double(), (TAPS // 2, TAPS // 2))
    below_N = position_N.floor()
    taps_K = torch.arange(1 - TAPS // 2, 1 + TAPS // 2)
    distance_NK = (position_N - below_N)[:, None] - taps_K
    window_NK = torch.cos(torch.pi * distance_NK / TAPS).square()
    near_NK = padded_T[below_N.long()[:, None] + taps_K + TAPS // 2]
    return (near_NK * torch.sinc(distance_NK) * window_NK).sum(1).to(wav_T.dtype)
