"""Notes as an encoder might hear them: they swell and fade, and are struck now and then."""

from __future__ import annotations

import torch
from torch import Tensor

from umt_domains.harmonic.config import NUM_PITCHES


def swelling(seed: int, num_frames: int) -> Tensor:
    """Activations (1, 3, P, num_frames) that are held for seconds, mostly without a strike."""
    generator = torch.Generator().manual_seed(seed)
    notes = torch.randn(1, 3, NUM_PITCHES, num_frames, generator=generator).cumsum(-1)
    notes = torch.sigmoid(notes / 5 + 1)
    notes[:, 1] = torch.rand(notes[:, 1].shape, generator=generator) ** 200
    return notes
