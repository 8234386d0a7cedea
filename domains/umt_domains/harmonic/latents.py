"""What the family's latents hold, channel by channel.

    0 … 263   activations: frame, onset and velocity of each of 88 pitches
    264       level
    265       bend, where the encoder tells it

P pitches, F latent frames, C latent channels.
"""

from __future__ import annotations

from torch import Tensor

from umt_domains.harmonic.config import NUM_PITCHES

LEVEL = 3 * NUM_PITCHES
"""The channel that tells how loud the music has been lately, as an amplitude."""
BEND = LEVEL + 1
"""The channel that tells how far what sounds is from its pitches, in semitones."""


def activations(latents: Tensor) -> Tensor:
    """Frame, onset and velocity of each pitch: (…, C, F) → (…, 3, P, F)."""
    parted: Tensor = latents[..., :LEVEL, :].unflatten(-2, (3, NUM_PITCHES))
    return parted
