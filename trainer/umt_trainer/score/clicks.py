"""Clicks: jumps of the waveform that last less than a millisecond.

The second difference of a waveform is small where it is smooth and large at a jump. It is
large too where an attack begins, but then it stays so for a while, and in bright or noisy
sound, but then it was so before. A click is a millisecond that stands out from what is
around it, on both sides:

    peaks of |second difference|, a millisecond each
      ▂▂▂▂▂▂▂▂▂▂▂▂ █ ▂▂▂▂▂▂▂▂▂▂▂        a click
      ▂▂▂▂▂▂▂▂▂▂▂▂ █▇▇▆▆▅▅▅▄▄▄▃▃        an attack
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from umt_trainer.score.sound import Sound

STANDS_OUT = 4.0
"""Times the largest around it."""
AROUND = 20
"""Milliseconds on each side: pulses that come more often than this are a tone."""
FLOOR = 1e-3
"""Of a second difference: a jump by less than −60 dB of full scale is not heard."""


def num_clicks(sound: Sound) -> int:
    """How many clicks a sound has; those within 20 ms of a stronger one are not counted."""
    block = max(1, round(sound.sample_rate / 1000))
    jumps = np.abs(np.diff(sound.wav.astype(np.float64), n=2))
    peaks = np.pad(jumps, (0, -len(jumps) % block)).reshape(-1, block).max(1)
    # a click may lie across two blocks: its neighbours are not what is around it
    padded = np.pad(peaks, AROUND)
    sides = sliding_window_view(padded, AROUND - 1).max(1)
    before, after = sides[: len(peaks)], sides[AROUND + 2 :]
    left, right = padded[AROUND - 1 : -AROUND - 1], padded[AROUND + 1 :][: len(peaks)]
    stands_out = peaks > np.maximum(FLOOR, STANDS_OUT * np.maximum(before, after))
    # of two equal neighbours, the first
    return int(np.sum(stands_out & (peaks > left) & (peaks >= right)))
