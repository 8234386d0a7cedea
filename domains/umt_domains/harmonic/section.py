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

from umt_domains.harmonic.config import SAMPLE_RATE

VIBRATO_HZ = 5.6
DRIFT_HZ = 0.61
APART = 0.13
"""How much faster the last player of many swings than the first, as a share."""
REACH = 441
"""Samples that must be known on either side of what is played."""


@dataclass(frozen=True)
class Section:
    """The players of a domain.

    Raises:
        ValueError: there is no player, or points would swing beyond `REACH`.
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
        if furthest > REACH - 2:
            raise ValueError(f"bends of {cents[0]:g} and {cents[1]:g} cents are too wide")

    @property
    def still(self) -> bool:
        """Whether it would change nothing."""
        return self.players == 1 and not (self.vibrato_cents or self.drift_cents)

    def __call__(self, wave_BT: Tensor, start: int) -> Tensor:
        """Play what stands still.

        Args:
            wave_BT: (B, REACH + T + REACH).
            start: absolute number of the first sample after REACH.

        Shape:
            returns: (B, T)
        """
        place_T = torch.arange(wave_BT.shape[-1] - 2 * REACH, dtype=torch.float64)
        played = [
            _read(wave_BT, place_T + REACH + self._swing(place_T + start, player))
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


def _read(wave_BT: Tensor, position_T: Tensor) -> Tensor:
    """The waveform between its samples, by the cubic through the four nearest: (B, T).

    Within 0.1 dB up to 5 kHz, 1 dB at 10 kHz.
    """
    below_T = position_T.floor()
    x = (position_T - below_T).to(wave_BT)
    first_T = (below_T.long() - 1).to(wave_BT.device)
    weights = (
        -x * (x - 1) * (x - 2) / 6,
        (x + 1) * (x - 1) * (x - 2) / 2,
        -(x + 1) * x * (x - 2) / 2,
        (x + 1) * x * (x - 1) / 6,
    )
    parts = [wave_BT[:, first_T + k] * weight for k, weight in enumerate(weights)]
    return torch.stack(parts).sum(0)
