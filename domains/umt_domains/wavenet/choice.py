"""How the class of a sample is chosen from its logits.

Where it is guided, a stream has two rows that play the same: one is told the latents, the other
zeros, which were the mean of latents that began settled when learning began (`whitening.py`). What
latents change in the logits is then amplified:

    logits = told + guidance · (told − untold)

A decoder's own past tells it more than its latents do, the more so the smaller it is: it goes on
with a note that is over, and is late to begin the next. What the row that is told thinks unlikely
is left out: amplified, it could lead to where no music is, and in silence to a tone.

N rows, Q µ-law classes.

Source: of guidance, Ho & Salimans, arXiv:2207.12598, equation 6. There a network learns without
what it is told as well; here it need not, and is better if it does not. Of leaving out what is not
plausible, Li et al., arXiv:2210.15097.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

GREEDY_BELOW = 1e-3
"""Temperatures below this take the likeliest class: dividing by them would overflow."""

PLAUSIBLE = 0.02
"""Of the likeliest class's chance: with guidance, classes of less are not drawn."""


@dataclass(frozen=True)
class Choice:
    """Draws classes from softmax(logits / temperature), by inversion of its running sum.

    Source: top-p is nucleus sampling, Holtzman et al., arXiv:1904.09751, section 3.1.
    """

    temperature: float = 1.0
    """1 as learned, less is safer, 0 always takes the likeliest class."""
    top_p: float = 1.0
    """The least likely classes beyond this share of probability are never drawn."""
    guidance: float = 0.0
    """Times that the difference which latents make is added; 0 has no rows that are untold."""

    @property
    def rows(self) -> int:
        """Rows that a stream takes: two if it is guided."""
        return 2 if self.guidance else 1

    @property
    def greedy(self) -> bool:
        """Whether the likeliest class is taken, whatever the random number."""
        return self.temperature < GREEDY_BELOW

    def draw(self, logits_NQ: Tensor, uniform_N1: Tensor, out_N1: Tensor) -> None:
        """Write a class for each row.

        Args:
            logits_NQ: spoiled by the call. With guidance, of the rows that are told, then of
                their streams' others.
            uniform_N1: a random number for each row, strictly between 0 and 1; those of the
                other rows do not matter.
            out_N1: int64; receives the classes.
        """
        if self.guidance:
            told_NQ, untold_NQ = logits_NQ.chunk(2)
            least_N1 = told_NQ.amax(1, keepdim=True) + math.log(PLAUSIBLE)
            unlikely_NQ = told_NQ < least_N1
            told_NQ.mul_(1 + self.guidance).sub_(untold_NQ, alpha=self.guidance)
            told_NQ.masked_fill_(unlikely_NQ, -torch.inf)
            told_N1, untold_N1 = out_N1.chunk(2)
            self._draw(told_NQ, uniform_N1[: len(told_NQ)], told_N1)
            untold_N1.copy_(told_N1)
        else:
            self._draw(logits_NQ, uniform_N1, out_N1)

    def _draw(self, logits_NQ: Tensor, uniform_N1: Tensor, out_N1: Tensor) -> None:
        if self.greedy:
            torch.argmax(logits_NQ, 1, keepdim=True, out=out_N1)
            return
        chance_NQ = torch.softmax(logits_NQ.div_(self.temperature), 1)
        if self.top_p < 1:
            chance_NQ = nucleus(chance_NQ, self.top_p)
        running_NQ = torch.cumsum(chance_NQ, 1, out=logits_NQ)
        # the last running sum is 1 only nearly, and less under top-p: aim within it
        target_N1 = uniform_N1 * running_NQ[:, -1:]
        torch.searchsorted(running_NQ, target_N1, right=True, out=out_N1)


def nucleus(chance_NQ: Tensor, top_p: float) -> Tensor:
    """Zero all but the smallest set of likeliest classes whose chances reach `top_p`.

    >>> nucleus(torch.tensor([[0.2, 0.5, 0.3]]), 0.6)
    tensor([[0.0000, 0.5000, 0.3000]])
    """
    falling_NQ, order_NQ = chance_NQ.sort(dim=1, descending=True, stable=True)
    likelier_NQ = falling_NQ.cumsum(1) - falling_NQ
    superfluous_NQ = likelier_NQ >= top_p
    superfluous_NQ[:, 0] = False
    kept_NQ = falling_NQ.masked_fill(superfluous_NQ, 0)
    return torch.zeros_like(chance_NQ).scatter(1, order_NQ, kept_NQ)
