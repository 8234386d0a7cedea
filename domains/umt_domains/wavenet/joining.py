"""Joining two performances of the same music, so that nobody hears where.

    old  ~~~~~~~~~~~~~~~~╲╲╲╲
    new            ╱╱╱╱~~~~~~~~~~~~~~    moved by a few milliseconds, until it swings as old does

T samples, P places of the fade, F samples of it, L lags.

Source: the search is that of synchronised overlap-add, Roucos and Wilgus, High Quality
Time-Scale Modification for Speech (1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FADE_S = 0.04
"""Of the cross-fade."""
SEARCH_S = 0.04
"""How far the places lie apart where it may begin."""
STEP_S = 0.0025
"""From one of these places to the next."""
LAG_S = 0.0125
"""Most by which the new one is moved either way: every phase of 40 Hz is found, and nobody
hears that a note is so early or late."""

Wave = NDArray[np.float32]


@dataclass(frozen=True)
class Joint:
    """Looks for where two performances agree best, and fades there. All in samples."""

    fade: int
    places: range
    """Where the fade may begin."""
    lag: int
    """Most by which the new performance is moved, to either side."""

    @classmethod
    def at(cls, sample_rate: int) -> Joint:
        """The joint for a sample rate (Hz)."""
        fade, search, step, lag = (
            max(1, round(seconds * sample_rate)) for seconds in (FADE_S, SEARCH_S, STEP_S, LAG_S)
        )
        return cls(fade, range(0, search + 1, step), lag)

    @property
    def width(self) -> int:
        """Samples from the first place to the end of the fade at the last."""
        return self.places[-1] + self.fade

    def join(self, old_T: Wave, new_T: Wave) -> tuple[Wave, int]:
        """Go over from one performance to the other.

        Args:
            old_T: at least `width` samples.
            new_T: at least `width + 2 * lag` samples. Its sample `lag` belongs to the moment
                of the old one's first.

        Returns:
            `width` samples that begin as the old performance and end as the new one, and how
            much of the new one is left out, from −lag to lag: `new_T[lag + left_out + width]`
            comes next.
        """
        place, left_out, likeness = self._best(old_T, new_T)
        new_T = new_T[self.lag + left_out :][: self.width]
        in_F = np.sin(np.pi / 2 * (np.arange(self.fade) + 0.5) / self.fade) ** 2
        out_F = 1 - in_F
        # what is alike adds by amplitude and what is not by power: the level stays
        level_F = np.sqrt(out_F**2 + in_F**2 + 2 * likeness * out_F * in_F)
        fade = slice(place, place + self.fade)
        mixed_F = (out_F * old_T[fade] + in_F * new_T[fade]) / level_F
        joined = (old_T[:place], mixed_F.astype(np.float32), new_T[fade.stop :])
        return np.concatenate(joined), left_out

    def _best(self, old_T: Wave, new_T: Wave) -> tuple[int, int, float]:
        """Where the fade begins, what is left out, and the correlation there (0 … 1)."""
        likeness_PL = np.stack([self._likeness(old_T[p:], new_T[p:]) for p in self.places])
        # of equals, as in silence, the least moved comes first
        order_L = np.argsort(np.abs(np.arange(-self.lag, self.lag + 1)), kind="stable")
        likeness_LP = likeness_PL.T[order_L]
        rank, number = np.unravel_index(likeness_LP.argmax(), likeness_LP.shape)
        likeness = max(0.0, float(likeness_LP[rank, number]))
        return self.places[number], int(order_L[rank]) - self.lag, likeness

    def _likeness(self, old_T: Wave, new_T: Wave) -> NDArray[np.float64]:
        """Normalised correlation over a fade that begins here, (L,)."""
        old_F = old_T[: self.fade].astype(np.float64)
        new_T = new_T[: self.fade + 2 * self.lag].astype(np.float64)
        power_L = np.correlate(new_T**2, np.ones(self.fade))
        return np.correlate(new_T, old_F) / np.sqrt((old_F @ old_F) * power_L + 1e-12)
