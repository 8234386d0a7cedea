"""Level for pipes: a gain that knows only the past, and a limiter that looks 5 ms ahead.

    played ─▶ wait 0.4 s ─▶ × slow gain ─▶ look-ahead limiter (−1 dBFS) ─▶ out

The gain drifts towards (loudness of all input so far − loudness of all output so far), so
it settles where a file's one gain would be. Together both delay the audio by
`LOOKAHEAD_S`, which `umt convert --help` states.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from umtcli.media import LoudnessMeter

WARM_UP_S = 0.4
"""One gating block of BS.1770: the first moment at which there is a loudness."""
STEP_S = 0.1
"""Length of one piece of the gain's curve."""
STEPS_A_LOOK = 10
"""The loudness is worked out anew every second; it is gated over all that was heard."""
SETTLING_S = 3.0
"""Time constant with which the gain follows."""
MAX_GAIN_DB = 24.0
"""A quiet beginning must not turn into a shout later."""
CEILING = 10 ** (-1 / 20)
"""−1 dBFS, sample peak."""
LIMITER_LOOKAHEAD_S = 0.005
LIMITER_RELEASE_S = 0.1
LOOKAHEAD_S = WARM_UP_S + LIMITER_LOOKAHEAD_S + 0.001


class CausalLevel:
    """Brings a stream near its input's loudness as it goes by.

    Shape:
        push and finish together give as many samples as went in.
    """

    def __init__(self, heard: LoudnessMeter, sample_rate: int, num_channels: int) -> None:
        """Start in silence.

        Args:
            heard: the meter of the input, fed by someone else and always ahead.
            sample_rate: of the output, in Hz.
            num_channels: 1 or 2.
        """
        self._heard = heard
        self._played = LoudnessMeter(sample_rate, num_channels)
        self._limiter = Limiter(sample_rate, num_channels)
        self._step = max(1, round(STEP_S * sample_rate))
        self._delay = round(WARM_UP_S * sample_rate)
        self._keep = math.exp(-STEP_S / SETTLING_S)
        self._waiting = np.zeros((0, num_channels), np.float32)
        self._gain_db: float | None = None
        self._target_db = math.nan
        self._steps_to_look = 0

    def push(self, block_TC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Feed float32 (T, C), take what is ready."""
        self._played.push(block_TC)
        self._waiting = np.concatenate([self._waiting, block_TC])
        return self._release(len(self._waiting) - self._delay)

    def finish(self) -> NDArray[np.float32]:
        """The rest."""
        return np.concatenate([self._release(len(self._waiting)), self._limiter.finish()])

    def _release(self, num_samples: int) -> NDArray[np.float32]:
        steps = []
        while num_samples > 0:
            step_TC = self._waiting[: min(self._step, num_samples)]
            self._waiting = self._waiting[len(step_TC) :]
            num_samples -= len(step_TC)
            steps.append(self._limiter.push(step_TC * self._ramp(len(step_TC))))
        return np.concatenate(steps) if steps else self._waiting[:0]

    def _ramp(self, num_samples: int) -> NDArray[np.float32]:
        """The gain over the next samples, (T, 1): a straight line in decibels."""
        target = self._look()
        if not math.isfinite(target):
            before = after = self._gain_db or 0.0
        else:
            # the first loudness there is may be jumped to: nothing but silence went before
            before = target if self._gain_db is None else self._gain_db
            keep = self._keep ** (num_samples / self._step)
            self._gain_db = after = keep * before + (1 - keep) * target
        ramp_T = np.linspace(before, after, num_samples, endpoint=False, dtype=np.float32)
        return np.asarray(10 ** (ramp_T[:, None] / 20), np.float32)

    def _look(self) -> float:
        """What the gain should be, in dB; not finite while either side is silent."""
        self._steps_to_look -= 1
        if self._steps_to_look <= 0 or not math.isfinite(self._target_db):
            self._steps_to_look = STEPS_A_LOOK
            wanted = self._heard.integrated_lufs() - self._played.integrated_lufs()
            self._target_db = min(wanted, MAX_GAIN_DB) if math.isfinite(wanted) else math.nan
        return self._target_db


class Limiter:
    """Turns the gain down in time before a peak, and slowly up again after it.

    The gain is found on a grid of 1 ms chunks and runs in straight lines between them:

        needed per chunk    ▔▔▔▔▔▔▔▔▁▔▔▔▔▔▔▔▔
        least of the next 5 ▔▔▔▁▁▁▁▁▁▔▔▔▔▔▔▔▔
        mean of the last 5  ▔▔▔╲╲╲╲╲▁╱╱╱╱╱▔▔▔   at the peak the full reduction is reached
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._chunk = max(1, round(0.001 * sample_rate))
        self._ahead = max(1, round(LIMITER_LOOKAHEAD_S * sample_rate / self._chunk))
        self._rise = 1 - math.exp(-self._chunk / (LIMITER_RELEASE_S * sample_rate))
        self._waiting = np.zeros((0, num_channels), np.float32)
        self._needed: list[float] = []
        """Gain that each waiting chunk needs."""
        self._lows = [1.0] * self._ahead
        self._gain = 1.0
        """At the start of the first waiting chunk."""
        self._started = False

    def push(self, block_TC: NDArray[np.float32]) -> NDArray[np.float32]:
        """Feed float32 (T, C), take what is ready: all but the last few milliseconds."""
        known = len(self._needed)
        self._waiting = np.concatenate([self._waiting, block_TC])
        whole = len(self._waiting) // self._chunk
        new_TC = self._waiting[known * self._chunk : whole * self._chunk]
        new_KTC = np.abs(new_TC).reshape(-1, self._chunk, self._waiting.shape[1])
        peak_K = new_KTC.max(axis=(1, 2), initial=CEILING)
        self._needed.extend((CEILING / peak_K).tolist())
        return self._give(max(0, whole - self._ahead))

    def finish(self) -> NDArray[np.float32]:
        """The rest."""
        num_left = len(self._waiting)
        padding = (self._ahead + 1) * self._chunk
        silence_TC = np.zeros((padding, self._waiting.shape[1]), np.float32)
        return self.push(silence_TC)[:num_left]

    def _give(self, num_chunks: int) -> NDArray[np.float32]:
        if not self._started and num_chunks:
            # a peak right at the start leaves no time to come down: begin low
            self._started, self._gain = True, min(self._needed[: self._ahead + 1])
            self._lows = [self._gain] * self._ahead
        idle = min([self._gain, *self._lows, *self._needed[: num_chunks + self._ahead]]) == 1
        nodes = [1.0] if idle else self._nodes(num_chunks)
        self._gain = nodes[-1]
        self._needed = self._needed[num_chunks:]
        num_samples = num_chunks * self._chunk
        ready_TC, self._waiting = self._waiting[:num_samples], self._waiting[num_samples:]
        if idle:
            return ready_TC
        at_T = np.arange(num_samples) / self._chunk
        gain_T = np.interp(at_T, np.arange(len(nodes)), nodes).astype(np.float32)
        return np.asarray(ready_TC * gain_T[:, None], np.float32)

    def _nodes(self, num_chunks: int) -> list[float]:
        """The gain between the next chunks, from before the first to after the last."""
        nodes = [self._gain]
        for chunk in range(num_chunks):
            # every low in the mean knows the chunk before its node and the one after
            low = min(self._needed[chunk : chunk + 1 + self._ahead])
            released = self._lows[-1] + self._rise * (1 - self._lows[-1])
            # a thousandth of a decibel below one is one, or it would never get there
            self._lows = [*self._lows[1:], min(low, 1.0 if released > 0.9999 else released)]
            nodes.append(sum(self._lows) / self._ahead)
        return nodes
