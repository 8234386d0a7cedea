"""How far what sounds is from its pitches: heard from the spectrum, followed by those who can.

A whistle glides from note to note and trembles on them; a pitch is one of 88. What is between
is one number for all that sounds, the bend:

    spectrum around a heard pitch   ▁▃▇▅▁    the top lies right of the middle
    bend                            ╭╮╭╮     up to 0.7 semitones, up and down
    read ahead, fall back           ╱╲╱╲     its sum, without what stays: no note comes late

Notes that stray from their pitches each in another way have no bend together. An instrument
that is out of tune as a whole is brought in tune, for only what changes is followed.

B batch, P pitches, F latent frames, K log bins, T samples.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from umt_domains.harmonic.config import LATENT_HOP, NUM_PITCHES
from umt_domains.harmonic.cubic import read_between
from umt_domains.harmonic.front import BINS_PER_SEMITONE, HARMONICS, SHORT_VIEW, VIEWS

PARTIALS = slice(HARMONICS.index(1), HARMONICS.index(5) + 1)
"""The fundamental to the fifth harmonic tell where a note lies."""
AUDIBLE = 0.2
"""Of a log spectrum: 32 dB below the music."""
SOUNDS = 0.5
"""Of a frame activation."""
FURTHEST = 0.7
"""Semitones: what lies further away is another pitch."""
LEAST_CURVATURE = 1e-6
"""What is flatter has no top."""
STEADY = 0.01
"""Semitones that notes may differ by and yet be together."""
LASTS_FRAMES = 50
"""What stays for longer than this, a second, is tuning and not followed."""
AROUND_FRAMES = LASTS_FRAMES + 2
"""Latent frames that must be known on either side of what is played."""
MOST_AHEAD = 1000
"""Samples that are read ahead or back at most: a bend as far as can be, for a second."""


def heard_bend(spectrum: Tensor, activations: Tensor) -> Tensor:
    """The bend of each frame, in semitones; 0 where nothing sounds.

    Args:
        spectrum: as from `front.LogSpectrum`.
        activations: frame, onset and velocity, as in latents.

    Shape:
        spectrum: (B, V·H, K, 2F), activations: (B, 3, P, F), returns: (B, F)

    Each note lies at the top of the parabolas through three bins of its partials, those that
    are loud and peaked counting most.
    """
    partials = spectrum.unflatten(1, (len(HARMONICS), VIEWS))[:, PARTIALS, SHORT_VIEW]
    around = partials.unflatten(-1, (-1, 2)).mean(-1).unflatten(2, (NUM_PITCHES, -1))
    below, at, above = around.unbind(3)
    peaked = below - 2 * at + above
    weight = torch.exp(2 * math.log(10) * (at - 1)) * (at > AUDIBLE) * (peaked < 0)
    slope = (weight * (below - above) / 2).sum(1)
    curvature = (weight * peaked).sum(1)
    known = curvature < -LEAST_CURVATURE
    bend = slope / torch.where(known, curvature, -1.0) / BINS_PER_SEMITONE
    bend = bend.clamp(-FURTHEST, FURTHEST)
    frame, _, loud = activations.unbind(1)
    return _together(bend, (loud * (frame > SOUNDS) * known).square())


def _together(bend_BPF: Tensor, weight_BPF: Tensor) -> Tensor:
    """Their mean, but nothing where they differ by more than it."""
    total = weight_BPF.sum(1).clamp_min(1e-9)
    mean = (weight_BPF * bend_BPF).sum(1) / total
    square = (weight_BPF * bend_BPF.square()).sum(1) / total
    # mean² is what they have in common; the rest of the square is how they differ
    return mean * mean.square() / (square + STEADY**2)


def ahead(bend_F: Tensor) -> Tensor:
    """How far ahead of its place each sample is read, so that what is read follows the bend.

    Args:
        bend_F: of the frames that are played, and of `AROUND_FRAMES` more on both sides.

    Shape:
        returns: (T,) with T = F · hop
    """
    speed = 2 ** (bend_F.double() / 12) - 1
    shift = functional.conv1d(speed[None, None], _kernel()[None, None].to(speed))[0]
    num_samples = (len(bend_F) - 2 * AROUND_FRAMES) * LATENT_HOP
    # the middle of frame f lies at (f + 1/2) · hop
    place_T = (torch.arange(num_samples, dtype=torch.float64) + 0.5) / LATENT_HOP - 0.5
    return read_between(shift, place_T + 2)[0].clamp(-MOST_AHEAD, MOST_AHEAD)


def _kernel() -> Tensor:
    """Sums up speeds, half from the past and half from the future, and forgets them: no lag."""
    offset = torch.arange(-LASTS_FRAMES, LASTS_FRAMES + 1, dtype=torch.float64)
    fading = torch.cos(offset * (math.pi / 2 / (LASTS_FRAMES + 1))).square()
    return -torch.sign(offset) / 2 * fading * LATENT_HOP
