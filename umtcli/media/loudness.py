"""How loud a stream is.

Source: ITU-R BS.1770-4, annex 1.
"""

from __future__ import annotations

import math
from array import array

import numpy as np
import numpy.typing as npt

from umtcli.media.kweighting import KWeighting

_STEPS_A_SECOND = 10
"""Gating blocks begin every 100 ms …"""
_STEPS_A_BLOCK = 4
"""… and last 400 ms."""
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = -10.0
_OFFSET_LU = -0.691
"""Makes up for the K-weighting's gain at 997 Hz."""


class LoudnessMeter:
    """Integrated loudness of one stream, by blocks of any size.

    Memory: one number for each 100 ms.

    Args:
        sample_rate: of the stream (Hz).
        num_channels: C; each channel weighs 1, as the left and right of BS.1770 do.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._weighting = KWeighting(sample_rate, num_channels)
        self._step_samples = round(sample_rate / _STEPS_A_SECOND)
        self._open_step = np.zeros(0, np.float32)  # squares of the step that is not full yet
        # one growing buffer: thousands of small arrays would keep the heap from shrinking
        self._step_energies = array("d")

    def push(self, block: npt.NDArray[np.float32]) -> None:
        """Feed (T, C) samples."""
        energies, self._open_step = self._steps(self._weighting.push(block))
        self._step_energies.frombytes(energies.tobytes())

    def integrated_lufs(self) -> float:
        """Gated loudness of all that was pushed (LUFS); -inf if nothing passes the gate.

        Less than 400 ms hold no gating block: -inf. More may be pushed afterwards.
        """
        last, _ = self._steps(self._weighting.rest())
        return _gated_lufs(np.concatenate([np.array(self._step_energies), last]))

    def _steps(
        self, weighted: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """The mean squares of the steps that (C, T) more samples fill, and what is left over."""
        squares = np.concatenate([self._open_step, np.einsum("ct,ct->t", weighted, weighted)])
        num_steps = len(squares) // self._step_samples
        full = squares[: num_steps * self._step_samples]
        energies = full.reshape(num_steps, self._step_samples).mean(axis=1, dtype=np.float64)
        return energies, squares[len(full) :]


def _gated_lufs(step_energies: npt.NDArray[np.float64]) -> float:
    """Loudness from the mean squares of 100 ms steps, summed over channels."""
    if len(step_energies) < _STEPS_A_BLOCK:
        return -math.inf
    blocks = np.convolve(step_energies, np.full(_STEPS_A_BLOCK, 1 / _STEPS_A_BLOCK), "valid")
    heard = blocks[blocks > _to_energy(_ABSOLUTE_GATE_LUFS)]
    if len(heard) == 0:
        return -math.inf
    relative_gate = heard.mean() * 10 ** (_RELATIVE_GATE_LU / 10)
    return _OFFSET_LU + 10 * math.log10(heard[heard > relative_gate].mean())


def _to_energy(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_LU) / 10))
