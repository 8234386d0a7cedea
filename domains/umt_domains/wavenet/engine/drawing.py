"""A class drawn from logits, as compiled code; `choice.py` has the same in torch.

Q µ-law classes.
"""

from __future__ import annotations

import math

import numpy as np

from umt_domains.wavenet.choice import PLAUSIBLE
from umt_domains.wavenet.engine.arithmetic import FINE, exponential
from umt_domains.wavenet.engine.compiling import Floats, compiled

LEAST = np.float32(40)
"""Chances below e^-40 of the largest count as that."""
LOG_PLAUSIBLE = np.float32(math.log(PLAUSIBLE))
NEVER = np.float32(-1e30)
"""Below all logits."""


@compiled
def guide(logits_Q: Floats, untold_Q: Floats, guidance: float) -> None:
    """Amplify, in place, what latents change in the logits that they leave plausible."""
    strength, most = np.float32(guidance), logits_Q[0]
    for q in range(1, len(logits_Q)):
        most = max(most, logits_Q[q])
    least = most + LOG_PLAUSIBLE
    for q in range(len(logits_Q)):
        if logits_Q[q] < least:
            logits_Q[q] = NEVER
        else:
            logits_Q[q] += strength * (logits_Q[q] - untold_Q[q])


@compiled
def choose(logits_Q: Floats, uniform: float, temperature: float, top_p: float) -> int:
    """As `Choice.draw`, for one row; spoils the logits."""
    num_classes, most = len(logits_Q), logits_Q[0]
    for q in range(1, num_classes):
        most = max(most, logits_Q[q])
    if temperature == 0:
        best = 0
        while logits_Q[best] < most:
            best += 1
        return best
    scale = np.float32(1 / temperature)
    for q in range(num_classes):
        logits_Q[q] = exponential(max((logits_Q[q] - most) * scale, -LEAST), FINE)
    if top_p < 1:
        keep_nucleus(logits_Q, top_p)
    for q in range(1, num_classes):
        logits_Q[q] += logits_Q[q - 1]
    target = uniform * logits_Q[num_classes - 1]
    chosen = 0
    while logits_Q[chosen] <= target:
        chosen += 1
    return chosen


@compiled
def keep_nucleus(chance_Q: Floats, top_p: float) -> None:
    """As `choice.nucleus`, of chances that need not sum to 1."""
    total = np.float32(0)
    for q in range(len(chance_Q)):
        total += chance_Q[q]
    wanted, kept = top_p * total, np.float32(0)
    # what is kept is marked by its sign until the set is complete
    while True:
        best = 0
        for q in range(1, len(chance_Q)):
            if chance_Q[q] > chance_Q[best]:
                best = q
        if chance_Q[best] <= 0:
            break
        kept += chance_Q[best]
        chance_Q[best] = -chance_Q[best]
        if kept >= wanted:
            break
    for q in range(len(chance_Q)):
        chance_Q[q] = max(-chance_Q[q], np.float32(0))
