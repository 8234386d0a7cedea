"""What a user may ask of heard notes before they are played: where they lie, how faint.

C latent channels, F latent frames, P pitches.
"""

from __future__ import annotations

import torch
from torch import Tensor

from umt_domains.harmonic.config import LOWEST_MIDI, NUM_PITCHES
from umt_domains.harmonic.latents import LEVEL, activations

SURER = 4.0
"""What sensitivity −1 takes from the log odds that a note sounds; 1 adds as much."""
SURE = 1e-6
"""Log odds are taken of activations no nearer to 0 and 1 than this."""


def moved(latents_CF: Tensor, semitones: int, lowest: int, highest: int) -> Tensor:
    """Latents a number of semitones higher, folded by octaves into an instrument's range.

    Args:
        latents_CF: as `umt_domains.harmonic.latents` has them.
        semitones: down to −P.
        lowest: MIDI pitch of the range.
        highest: MIDI pitch, at least eleven semitones above.

    >>> latents = torch.zeros(3 * NUM_PITCHES + 1, 1)
    >>> latents[87] = 1.0  # the highest pitch is sounding
    >>> moved(latents, 2, 21, 108)[:88].argmax().item()
    77
    """
    target = folded_pitches(semitones, lowest, highest)
    if target == list(range(NUM_PITCHES)):
        return latents_CF
    pitches = activations(latents_CF)
    placed = torch.zeros_like(pitches)
    for number, place in enumerate(target):
        # folded pitches may meet others: the stronger is heard
        placed[:, place] = torch.maximum(placed[:, place], pitches[:, number])
    return torch.cat([placed.flatten(0, 1), latents_CF[LEVEL:]])


def folded_pitches(semitones: int, lowest: int, highest: int) -> list[int]:
    """Which key plays each key: the nearest of its name within the range."""
    low, high = lowest - LOWEST_MIDI, highest - LOWEST_MIDI
    places = []
    for number in range(NUM_PITCHES):
        place = number + semitones
        place += 12 * max(0, -(-(low - place) // 12))
        places.append(place - 12 * max(0, -(-(place - high) // 12)))
    return places


def more_sensitive(latents_CF: Tensor, sensitivity: float) -> Tensor:
    """Believe more, or less, of what was heard faintly; what is sure stays.

    The log odds of every frame and onset move by the same amount, smoothly: no note is cut
    at a threshold. Velocities follow their frames.

    Args:
        latents_CF: as `umt_domains.harmonic.latents` has them.
        sensitivity: −1 … 1; 0 changes nothing.
    """
    if sensitivity == 0:
        return latents_CF
    frame, onset, velocity = activations(latents_CF).unbind(0)
    believed = _shifted(frame, SURER * sensitivity)
    struck = _shifted(onset, SURER * sensitivity)
    louder = velocity * believed / frame.clamp_min(SURE)
    return torch.cat([believed, struck, louder, latents_CF[LEVEL:]])


def _shifted(share: Tensor, nepers: float) -> Tensor:
    return torch.sigmoid(torch.logit(share, eps=SURE) + nepers)
