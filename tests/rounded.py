"""What rounded numbers are, in the words that hold them."""

import numpy as np


def as_floats(words: np.ndarray) -> np.ndarray:
    """Numbers of bfloat16, one after the other."""
    return (words.view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def dequantized(words: np.ndarray, channels: int) -> np.ndarray:
    """Rows of int8 in float64, each by the scale at its end."""
    rows = words.reshape(-1, channels // 4 + 1)
    numbers = rows.view(np.uint8)[:, :channels].astype(float) - 128
    return numbers * rows.view(np.float32)[:, -1:]
