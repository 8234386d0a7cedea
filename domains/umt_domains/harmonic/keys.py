"""What a player does who plays what was heard: keys go down, some hard, and come up again.

    onset    ▁▁▂█▂▁▁▁▁▁▂▅▂▁▁▁▁▁     a key is struck at a peak
    frame    ▁▁▆██▇▆▆▅▅▅▇▇▆▅▄▂▁     and is down while the note is heard
    down     ▁▁▁████████████████▁

A piano's note is surest at its strike and fades; an oboe's begins softly and stays. A decoder
that is taught on activations learns its own instrument's, and plays others' as what they would
mean there. Keys are the same whoever played.

What sounds without a strike, be it a doubt or a voice that creeps in, is taken for a note whose
strike is forgotten: it goes on where notes last, and is faint where they fade.

Decisions have no gradient: an encoder learns nothing from a decoder that plays keys.

All is local: nothing depends on what lies further back than a key is remembered, so that pieces
equal the whole.

B batch, P pitches, F latent frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

STRUCK = 0.5
"""Of an onset activation, at its peak: half is a likelihood of a quarter, as it is taught."""
BEGINS = 0.7
"""Of a frame activation, soon after the strike: a note is surest when it is young."""
SOON_FRAMES = 4
"""A struck note has to sound within this."""
LASTS = 0.5
"""Below this frame activation, a note ends whose strike is forgotten."""
FADED = 0.2
"""A note that falls below this is over, `SOON_FRAMES` after its strike or later."""
REACH_FRAMES = 2 * SOON_FRAMES + 1
"""How far ahead, and back beyond a strike, decides what a key does."""
UNHEARD = 1e-3


@dataclass(frozen=True)
class Keys:
    """What happens on every key; all (B, P, F)."""

    down: Tensor
    """1 or 0."""
    strike: Tensor
    """0 … 1: 1 at the peak of an onset, less beside it."""
    velocity: Tensor
    """Of the last strike that is remembered, or of what sounds now."""
    age_F: Tensor
    """Frames since that strike; `memory` where there is none."""


def keys(activations: Tensor, memory: int) -> Keys:
    """The keys that a player of what was heard presses.

    Args:
        activations: (B, 3, P, F) of frame, onset and velocity, F ≥ 1.
        memory: how many frames a strike is remembered. What comes of the first
            `memory + REACH_FRAMES` frames and the last `REACH_FRAMES` is not to be used:
            they lack what was before and after.
    """
    frame, onset, loud = activations.unbind(1)
    surest, loudest = _soon(frame), _soon(loud)
    before, after = _shifted(onset, 1), _shifted(onset, -1)
    struck = (onset > STRUCK) & (onset >= before) & (onset > after) & (surest > BEGINS)
    number_F = torch.arange(frame.shape[-1], device=frame.device)
    never = -memory - SOON_FRAMES - 1
    last = torch.where(struck, number_F, never).cummax(-1).values
    faded = torch.where(frame < FADED, number_F, never).cummax(-1).values
    age = number_F - last
    known = age < memory
    # a note whose strike is forgotten is one that has not been doubtful for some frames
    stays = -_soon(-frame) > LASTS
    lasting = _soon(stays.to(frame).flip(-1)).flip(-1) > 0
    down = torch.where(known, faded - last < SOON_FRAMES, lasting)
    velocity = loudest / surest.clamp_min(UNHEARD)
    velocity = torch.where(known, velocity.gather(-1, last.clamp_min(0)), velocity)
    near = _around(struck.to(frame), 1)
    strike = near * onset / _around(onset, 1).clamp_min(UNHEARD)
    return Keys(down.to(frame), strike, velocity, age.clamp(max=memory).to(frame))


def _soon(x: Tensor) -> Tensor:
    """The largest of now and the next frames."""
    return functional.max_pool1d(functional.pad(x, (0, SOON_FRAMES)), SOON_FRAMES + 1, stride=1)


def _around(x: Tensor, reach: int) -> Tensor:
    """The largest within some frames on both sides."""
    return functional.max_pool1d(x, 2 * reach + 1, stride=1, padding=reach)


def _shifted(x: Tensor, frames: int) -> Tensor:
    """Later by some frames, or earlier; nothing comes in from beyond."""
    return functional.pad(x, (frames, -frames))
