"""Power spectra of short windows, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from umt_trainer.score.sound import Mono

CHUNK_FRAMES = 1000
"""So many windows are in memory at a time, however long the file."""


def power_spectra(wav: Mono, window: int, hop: int) -> Iterator[NDArray[np.float64]]:
    """Hann-windowed power spectra, frame n centred on sample n · hop.

    A sine of amplitude 1 has power 1 in its bin. Beyond its ends a sound is silent.

    Shape:
        yields (F, window / 2 + 1); in all ceil(T / hop) frames.
    """
    hann = np.hanning(window + 1)[:-1]
    padded = np.pad(wav, (window // 2, window))
    frames = sliding_window_view(padded, window)[: len(wav) : hop]
    for first in range(0, len(frames), CHUNK_FRAMES):
        spectra = np.fft.rfft(frames[first : first + CHUNK_FRAMES] * (hann * 2 / hann.sum()))
        yield np.square(np.abs(spectra))
