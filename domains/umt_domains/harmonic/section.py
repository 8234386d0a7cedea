"""A hand that is not still, and players who are never quite together.

The synthesizer's partials stand still. Here its waveform is read at points that swing to and
fro: fast for a player's vibrato, slowly for players who drift apart, each with rates and
phases of its own. A point that moves ahead raises the pitch, one that falls back lowers it.

    played(n) = Σₖ wave(n + swingₖ(n)) / √players

The swings depend on the absolute place in the music alone: pieces equal the whole.

B batch, T samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from umt_domains.harmonic.bend import MOST_AHEAD
from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.cubic import read_between

VIBRATO_HZ = 5.6
DRIFT_HZ = 0.61
APART = 0.13
"""How much faster the last player of many swings than the first, as a share."""
FURTHEST = 441
"""Samples that a player may swing ahead or back."""
REACH = FURTHEST + MOST_AHEAD
"""Samples that must be known on either side of what is played and bends."""


@dataclass(frozen=True)
class Section:
    """The players of a domain.

    Raises:
        ValueError: there is no player, or points would swing beyond `FURTHEST`.
    """

    players: int = 1
    vibrato_cents: float = 0.0
    """How far each bends up and down, 5.6 times a second."""
    drift_cents: float = 0.0
    """How far each drifts up and down, in 1.6 s."""

    def __post_init__(self) -> None:
        if self.players < 1:
            raise ValueError(f"players is {self.players}; there must be one at least")
        cents = abs(self.vibrato_cents), abs(self.drift_cents)
        furthest = sum(map(_swing_samples, cents, (VIBRATO_HZ, DRIFT_HZ)))
        if furthest > FURTHEST - 2:
            raise ValueError(f"bends of {cents[0]:g} and {cents[1]:g} cents are too wide")

    @property
    def still(self) -> bool:
        """Whether it would change nothing."""
        return self.players == 1 and not (self.vibrato_cents or self.drift_cents)

    def __call__(self, wave_BT: Tensor, start: int, ahead_T: Tensor | None = None) -> Tensor:
        """Play what stands still.

        Args:
            wave_BT: with `FURTHEST` samples more on both sides; with `REACH`, if it bends.
            start: absolute number of the first sample after these.
            ahead_T: how far ahead of its place each sample is read, by all players; up to
                `MOST_AHEAD`. On the CPU.

        Shape:
            returns: (B, T)
        """
        reach = FURTHEST if ahead_T is None else REACH
        number_T = torch.arange(wave_BT.shape[-1] - 2 * reach, dtype=torch.float64)
        place_T = number_T + reach if ahead_T is None else number_T + reach + ahead_T
        played = [
            read_between(wave_BT, place_T + self._swing(number_T + start, player))
            for player in range(self.players)
        ]
        return torch.stack(played).sum(0) / math.sqrt(self.players)

    def _swing(self, number_T: Tensor, player: int) -> Tensor:
        """How far ahead of its place a player reads each sample, in samples."""
        part = player / self.players
        # the golden ratio: two players who are near each other in one swing are not in the other
        swings = (
            (VIBRATO_HZ, self.vibrato_cents, player * (math.sqrt(5) - 1) / 2),
            (DRIFT_HZ, self.drift_cents, part),
        )
        total_T = torch.zeros_like(number_T)
        for hertz, cents, turns in swings:
            faster = hertz * (1 + APART * part)
            angle_T = (number_T * (faster / SAMPLE_RATE) + turns) * (2 * math.pi)
            total_T = total_T + _swing_samples(cents, faster) * angle_T.sin()
        return total_T


def _swing_samples(cents: float, hertz: float) -> float:
    """How wide a swing is that bends by so many cents: its steepest slope is the bend."""
    return (2 ** (cents / 1200) - 1) * SAMPLE_RATE / (2 * math.pi * hertz)
