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
from umt_domains.harmonic.front import (
    BINS_PER_SEMITONE,
    HARMONICS,
    SHIFTS,
    SHORT_VIEW,
    VIEWS,
)

PARTIALS = slice(HARMONICS.index(1), HARMONICS.index(5) + 1)
"""The fundamental to the fifth harmonic tell where a note lies."""
AUDIBLE = 0.2
"""Of a log spectrum: 32 dB below the music. What is softer tells nothing."""
SOUNDS = 0.5
"""Of a frame activation: what is less sure tells nothing."""
FURTHEST = 0.7
"""Semitones: what lies further away is another pitch."""
FLAT, FAINT = 1e-4, 1e-2
"""Peaks and notes that count as much as this, and less, are hardly believed."""
STEADY = 0.01
"""Semitones: a bend of no more than this is mostly left out."""
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
    are loud and peaked counting most. Nothing is decided at a threshold: what is less and less
    sure counts less and less.
    """
    partials = spectrum.unflatten(1, (len(HARMONICS), VIEWS))[:, PARTIALS, SHORT_VIEW]
    around = partials.unflatten(-1, (-1, 2)).mean(-1).unflatten(2, (NUM_PITCHES, -1))
    below, at, above = around.unbind(3)
    weight = torch.exp(2 * math.log(10) * (at - 1)) * functional.relu(at - AUDIBLE)
    curvature = functional.relu(2 * at - below - above)
    most = FURTHEST * BINS_PER_SEMITONE * curvature
    # its top, and by how much the bin itself lies beside the partial's place; all in bins
    top = torch.clamp((above - below) / 2, -most, most) + curvature * _beside().to(curvature)
    sure = (weight * curvature).sum(1)
    bend = (weight * top).sum(1) / (sure + FLAT) / BINS_PER_SEMITONE
    frame, _, loud = activations.unbind(1)
    heard = 2 * functional.relu(frame - SOUNDS) * loud * sure / (sure + FLAT)
    return _together(bend.clamp(-FURTHEST, FURTHEST), heard.square())


def _beside() -> Tensor:
    """How far above a partial's place its bin is, in bins: (partials, 1, 1)."""
    exact = [12 * BINS_PER_SEMITONE * math.log2(number) for number in HARMONICS]
    offsets = [shift - place for shift, place in zip(SHIFTS, exact, strict=True)]
    return torch.tensor(offsets[PARTIALS])[:, None, None]


def _together(bend_BPF: Tensor, weight_BPF: Tensor) -> Tensor:
    """Their mean, but less of it where they differ."""
    total = weight_BPF.sum(1) + FAINT
    mean = (weight_BPF * bend_BPF).sum(1) / total
    square = (weight_BPF * bend_BPF.square()).sum(1) / total
    # mean² is what they have in common; the rest of the square is how they differ
    return mean * mean.square() / (square + STEADY**2)


def ahead(bend_F: Tensor) -> Tensor:
    """How far ahead of its place each sample is read, so that what is read follows the bend.

    Args:
        bend_F: of the frames that are played, and of `AROUND_FRAMES` more on both sides.

    Shape:
        returns: (T,) with T = F · hop, on the CPU, as all places are
    """
    speed = 2 ** (bend_F.cpu().double() / 12) - 1
    shift = functional.conv1d(speed[None, None], _kernel()[None, None])[0]
    num_samples = (len(bend_F) - 2 * AROUND_FRAMES) * LATENT_HOP
    # the middle of frame f lies at (f + 1/2) · hop
    place_T = (torch.arange(num_samples, dtype=torch.float64) + 0.5) / LATENT_HOP - 0.5
    return read_between(shift, place_T + 2)[0].clamp(-MOST_AHEAD, MOST_AHEAD)


def _kernel() -> Tensor:
    """Sums up speeds, half from the past and half from the future, and forgets them: no lag."""
    offset = torch.arange(-LASTS_FRAMES, LASTS_FRAMES + 1, dtype=torch.float64)
    fading = torch.cos(offset * (math.pi / 2 / (LASTS_FRAMES + 1))).square()
    return -torch.sign(offset) / 2 * fading * LATENT_HOP
