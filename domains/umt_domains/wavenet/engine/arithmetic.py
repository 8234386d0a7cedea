"""Exponentials and gates, as compiled code.

M = 2R gate and filter, N streams, R residual channels.
"""

from __future__ import annotations

import numpy as np

from umt_domains.wavenet.engine.compiling import Floats, compiled

LARGEST = np.float32(30)
"""Of what is exponentiated: σ and tanh differ from 0 and 1 by 1e-13 there."""
LOG2_E = np.float32(1 / np.log(2))
TAYLOR = tuple(np.float32(np.log(2) ** i / np.prod(np.arange(1.0, i + 1))) for i in range(8))
"""Of 2^r."""
FINE, COARSE = 7, 4
"""Degrees: for the last bits of float32; and for what is rounded to bfloat16 or int8, some fifty
times as near as these tell."""


@compiled
def exponential(x: np.float32, degree: int) -> np.float32:
    """e^x for |x| ≤ 40, by a polynomial of 2^r.

    Within 4e-6 of it with `FINE`, an error that grows with |x|, and within 7e-5 with `COARSE`.
    """
    power = x * LOG2_E
    # truncated after a shift beyond all that is negative: rounded to the nearest
    shifted = np.int32(power + np.float32(64.5))
    r = power - (np.float32(shifted) - np.float32(64))
    total = TAYLOR[degree]
    for i in range(degree):
        total = total * r + TAYLOR[degree - 1 - i]
    return total * np.int32((shifted + 63) << 23).view(np.float32)  # 2^(shifted - 64)


@compiled
def gated(minus_g: np.float32, minus_2f: np.float32, degree: int) -> np.float32:
    """σ(g)·tanh(f), clipped: one division for both."""
    one = np.float32(1)
    g = exponential(-min(max(minus_g, -LARGEST), LARGEST), degree)
    f = exponential(-min(max(minus_2f, -LARGEST), LARGEST), degree)
    return (one - f) / ((one + g) * (one + f))


@compiled
def gate(a_NM: Floats, h_NR: Floats, degree: int) -> None:
    """All gates of a layer, where `a` holds −g and −2f.

    Rows are taken out first, here and elsewhere: where all indices plainly begin at 0, LLVM makes
    vectors of a loop.
    """
    residual = h_NR.shape[1]
    for n in range(len(h_NR)):
        g_R, f_R, h_R = a_NM[n], a_NM[n, residual:], h_NR[n]
        for r in range(residual):
            h_R[r] = gated(g_R[r], f_R[r], degree)
