"""Numbers rounded to bfloat16 and int8, as compiled code.

N rows, K numbers of each.
"""

from __future__ import annotations

import numpy as np

from umt_domains.wavenet.engine.compiling import Floats, Words, compiled

QUADS = 4
"""Of int8 in a word; their rows end with a scale."""
MOST = np.float32(127)
"""Of an int8, on either side of zero."""
ZERO = np.float32(128)
"""As x has it: counted from there on, it needs no sign."""
FAINTEST = np.float32(1e-30)
"""Of what a row in int8 is scaled by; less counts as that."""


@compiled
def half(x: np.float32) -> np.uint16:
    """Round to bfloat16, the upper half of a float32's bits: to the nearest even."""
    bits = np.float32(x).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return np.uint16((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))


@compiled
def halve(x_NK: Floats, depth: int, words: Words) -> None:
    """Round to bfloat16."""
    halves = words.view(np.uint16)
    for n in range(len(x_NK)):
        x_K, row = x_NK[n], halves[n * depth :]
        for k in range(depth):
            row[k] = half(x_K[k])


@compiled
def int8_words(channels: int) -> int:
    """How many words a row of int8 is, with its scale."""
    return channels // QUADS + 1


@compiled
def quantize(x_NK: Floats, depth: int, words: Words) -> None:
    """Round to int8, each row by its largest number."""
    bytes_, scales, row_words = words.view(np.uint8), words.view(np.float32), int8_words(depth)
    for n in range(len(x_NK)):
        x_K, row = x_NK[n], bytes_[QUADS * n * row_words :]
        bits_K = x_K.view(np.uint32)
        # of what has no sign the larger number has the larger bits
        most = np.uint32(0)
        for k in range(depth):
            most = max(most, bits_K[k] & np.uint32(0x7FFFFFFF))
        largest = max(np.uint32(most).view(np.float32), FAINTEST)
        scale = MOST / largest
        for k in range(depth):
            # truncated behind zero: rounded to the nearest
            row[k] = np.uint8(np.int32(x_K[k] * scale + (ZERO + np.float32(0.5))))
        scales[(n + 1) * row_words - 1] = largest / MOST
