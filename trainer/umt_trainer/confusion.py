"""The domain-confusion network: it guesses which domain latents were heard in.

The encoder is trained to defeat it, so that latents keep the music and lose the
instrument. It works on the latents of any family.

    latents ─ drop ─ (conv 1×1 ─ ELU) three times ─ conv 1×1 ─ mean over time ─ logits

B examples, C latent channels, D domains, F latent frames.

Source: arXiv:1805.07848, section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor, nn

from umt_trainer.spans import FINITE_FROM_0, FROM_1, POSITIVE_FINITE, SHARE, check

DROPPED = 5  # keeps these draws apart from those of the examples


@dataclass(frozen=True)
class ConfusionConfig:
    """What the confusion network counts and sees; the defaults are the paper's."""

    input_dropout: Annotated[float, SHARE] = 0.0
    """Share of the latents that it does not see while it learns."""
    weight: Annotated[float, FINITE_FROM_0] = 1e-2
    """λ: what its cross-entropy counts in the encoder's loss, with its sign changed."""
    updates: Annotated[int, FROM_1] = 1
    """Of the confusion network for each of the encoder, from other music each time. One that
    guesses badly takes nothing from the latents that a better one would not find there."""
    rate: Annotated[float, POSITIVE_FINITE] = 1.0
    """Its learning rate, as a share of the run's."""
    channels: Annotated[int, FROM_1] = 128
    """Of its hidden layers."""

    def __post_init__(self) -> None:
        check(self)


class ConfusionNetwork(nn.Module):
    """Latents → logits of the domain they were heard in.

    Args:
        latent_channels: C.
        num_domains: D.
        channels: of the hidden layers; the paper's by default.

    Shape:
        latent: (B, C, F)
        returns: (B, D)
    """

    def __init__(self, latent_channels: int, num_domains: int, channels: int = 128) -> None:
        super().__init__()
        self.channels = channels
        self.layers = nn.Sequential(
            nn.Conv1d(latent_channels, channels, 1),
            nn.ELU(),
            nn.Conv1d(channels, channels, 1),
            nn.ELU(),
            nn.Conv1d(channels, channels, 1),
            nn.ELU(),
            nn.Conv1d(channels, num_domains, 1),
        )

    def forward(self, latent_BCF: Tensor) -> Tensor:
        """Logits of each example's domain."""
        logits_BDF: Tensor = self.layers(latent_BCF)
        return logits_BDF.mean(-1)


def drop(latent_BCF: Tensor, share: float, seed: int, numbers: Iterable[int]) -> Tensor:
    """Hide a share of the latents and raise the rest; keyed by (seed, number of the example).

    Args:
        latent_BCF: of B examples.
        share: 0 hides none.
        seed: of the run.
        numbers: of the examples.

    Shape:
        returns: (B, C, F)
    """
    if share == 0:
        return latent_BCF
    kept = []
    for number in numbers:
        random = np.random.default_rng((seed, number, DROPPED))
        kept.append(torch.from_numpy(random.random(latent_BCF.shape[1:]) >= share))
    return latent_BCF * torch.stack(kept).to(latent_BCF) / (1 - share)
