"""Float samples to integers, with dither that depends on nothing but its place.

T samples, C channels. Full scale is ±1 in float and -2**(bits-1) … 2**(bits-1)-1 in
integers, as ffmpeg and libsndfile have it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_WORDS_A_STEP = 4  # 64-bit words that Philox makes for each value of its counter


def dither_lsb(seed: int, start_sample: int, num_samples: int) -> npt.NDArray[np.float32]:
    """Triangular noise in (-1, 1) quantisation steps, a pure function of seed and position.

    Two uniform numbers make the triangle: its first two moments free the rounding error
    from the signal.

    Args:
        seed: of the file.
        start_sample: absolute position of the first sample.
        num_samples: how many.

    Source: Lipshitz, Wannamaker, Vanderkooy, Quantization and Dither, JAES 40(5), 1992.

    >>> float(dither_lsb(1, 10, 5)[2]) == float(dither_lsb(1, 12, 1)[0])
    True
    """
    step, offset = divmod(start_sample, _WORDS_A_STEP)
    generator = np.random.Philox(key=seed % (1 << 128), counter=step)
    words = generator.random_raw(offset + num_samples)[offset:]
    first = (words >> np.uint64(32)).astype(np.float32)
    second = (words & np.uint64(0xFFFFFFFF)).astype(np.float32)
    # both are in [0, 2**32): their difference is the triangle around zero
    return np.asarray((first - second) * np.float32(2.0**-32), np.float32)


def quantise(
    block: npt.NDArray[np.float32], bits: int, *, seed: int = 0, start_sample: int = 0
) -> npt.NDArray[np.int16] | npt.NDArray[np.int32] | npt.NDArray[np.float32]:
    """Bring a block to what is stored: int16, int32 with the 24 bits on top, or float32.

    16 bits are dithered; all channels get the same noise, so that equal channels stay
    equal. A sample that is exactly zero stays zero, so that digital silence stays
    digital silence. The noise of 24 bits lies below any converter's own: none is added.

    Args:
        block: float32 (T, C).
        bits: 16, 24 or 32 (float).
        seed: of the dither.
        start_sample: absolute position of the block in its file.

    Shape:
        (T, C) to (T, C).
    """
    if bits == 32:
        return block
    if bits == 24:
        fine = np.rint(block.astype(np.float64) * 2**23)
        return np.clip(fine, -(2**23), 2**23 - 1).astype(np.int32) << 8
    dither = dither_lsb(seed, start_sample, len(block))[:, None]
    coarse = np.rint(block * np.float32(2**15) + dither)
    np.clip(coarse, -(2**15), 2**15 - 1, out=coarse)
    return np.where(block == 0, np.float32(0), coarse).astype(np.int16)
