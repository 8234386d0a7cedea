"""The K-weighting filter of BS.1770: a shelf for the head, a high-pass for the ear.

The standard gives its two biquads for 48 kHz only. They come from analogue prototypes
by the bilinear transform, which gives them for any rate.

Source: ITU-R BS.1770-4, annex 1; prototypes from B. De Man, Evaluation of
Implementations of the EBU R128 Loudness Measurement, AES e-Brief 2018.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt

Biquad = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Numerator and denominator, by ascending powers of z⁻¹; the denominator begins with 1."""

Double = npt.NDArray[np.float64]

ORDER = 4
"""Numbers of state of both filters."""
STRETCH, STRETCHES = 128, 32
"""Samples of a stretch, and stretches of a batch: both products are as cheap as they get."""
BATCH = STRETCH * STRETCHES


def k_weighting_biquads(sample_rate: int) -> tuple[Biquad, Biquad]:
    """The shelf and the high-pass for a sample rate (Hz)."""
    return _shelf(sample_rate), _high_pass(sample_rate)


def _shelf(sample_rate: int) -> Biquad:
    gain_db, quality, frequency_hz = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = math.tan(math.pi * frequency_hz / sample_rate)
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / quality + k * k
    b = (
        (high + band * k / quality + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / quality + k * k) / a0,
    )
    return b, (1.0, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0)


def _high_pass(sample_rate: int) -> Biquad:
    quality, frequency_hz = 0.5003270373238773, 38.13547087602444
    k = math.tan(math.pi * frequency_hz / sample_rate)
    a0 = 1 + k / quality + k * k
    # the standard leaves the numerator at (1, -2, 1): its gain is part of the -0.691 LU
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / quality + k * k) / a0)


class KWeighting:
    """K-weights a stream of (T, C) blocks, exactly as long as it is, in single precision.

    Recursion sample by sample is slow in Python. So it goes by stretches: what a stretch makes
    of its own samples is a matrix product, and what it makes of the filters' four numbers of
    state another. Only these go from stretch to stretch, and again many in one product.

        samples   ├── stretch ──┼── stretch ──┼── stretch ──┤        a batch
        state     s₀ ─────────▶ s₁ ─────────▶ s₂ ─────────▶ s₃

    Args:
        sample_rate: of the stream (Hz).
        num_channels: C.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._matrices = _matrices(sample_rate)
        self._state_C4 = np.zeros((num_channels, ORDER))
        self._open = np.zeros((num_channels, 0), np.float32)
        """Samples that fill no batch yet."""

    def push(self, block: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Feed (T, C) samples; return the (C, T') weighted ones that became ready."""
        samples = np.concatenate([self._open, block.T], axis=1)
        num_ready = samples.shape[1] // BATCH * BATCH
        self._open = samples[:, num_ready:].copy()
        weighted, self._state_C4 = self._matrices.filter(samples[:, :num_ready], self._state_C4)
        return weighted

    def rest(self) -> npt.NDArray[np.float32]:
        """The weighted samples that no push has returned yet, (C, T'); changes nothing."""
        length = self._open.shape[1]
        filled = np.pad(self._open, ((0, 0), (0, -length % BATCH)))
        return self._matrices.filter(filled, self._state_C4)[0][:, :length]


class _Matrices:
    """What turns samples and states into weighted samples and the next states.

    N samples of a stretch, S stretches of a batch, C channels; the state has four numbers.
    """

    def __init__(self, a: Double, b: Double, c: Double, d: float) -> None:
        powers = [np.linalg.matrix_power(a, n) for n in range(STRETCH + 1)]
        answer_N = np.array([d, *(float(c @ power @ b) for power in powers[: STRETCH - 1])])
        lag_NN = np.subtract.outer(np.arange(STRETCH), np.arange(STRETCH))
        # (in, out): the filters' answer to each sample before, within the stretch
        own_NN = np.where(lag_NN >= 0, answer_N[lag_NN.clip(min=0)], 0).T
        self._own_NN = own_NN.astype(np.float32)
        self._state_4N = np.stack([c @ power for power in powers[:-1]], axis=1)
        self._drive_N4 = np.stack([power @ b for power in reversed(powers[:-1])])
        # the same once more, of stretches: states at the beginning of each, and after the last
        steps = [np.linalg.matrix_power(powers[-1], n) for n in range(STRETCHES + 1)]
        self._carry_4S4 = np.stack([step.T for step in steps], axis=1)
        self._spread_S4S4 = np.zeros((STRETCHES, ORDER, STRETCHES + 1, ORDER))
        for later in range(1, STRETCHES + 1):
            for earlier in range(later):
                self._spread_S4S4[earlier, :, later] = steps[later - 1 - earlier].T

    def filter(
        self, samples: npt.NDArray[np.float32], state_C4: Double
    ) -> tuple[npt.NDArray[np.float32], Double]:
        """Weight (C, T) samples, whole batches; return also the state after them."""
        num_channels, length = samples.shape
        x_CSN = samples.reshape(num_channels, length // STRETCH, STRETCH)
        # states in double precision: their poles are close to the unit circle
        drive_CS4 = _product(x_CSN.astype(np.float64), self._drive_N4)
        drive = drive_CS4.reshape(num_channels, -1, STRETCHES * ORDER)
        spread = _product(drive, self._spread_S4S4.reshape(STRETCHES * ORDER, -1))
        carry = self._carry_4S4.reshape(ORDER, -1)
        states = np.empty((num_channels, spread.shape[1], STRETCHES, ORDER))
        for batch in range(spread.shape[1]):
            after = (spread[:, batch] + state_C4 @ carry).reshape(num_channels, -1, ORDER)
            states[:, batch], state_C4 = after[:, :-1], after[:, -1]
        echo_CSN = _product(states.reshape(num_channels, -1, ORDER), self._state_4N)
        weighted_CSN = _product(x_CSN, self._own_NN) + echo_CSN.astype(np.float32)
        return weighted_CSN.reshape(num_channels, length), state_C4


@cache
def _matrices(sample_rate: int) -> _Matrices:
    return _Matrices(*_state_space(*k_weighting_biquads(sample_rate)))


def _product(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """A matrix product by as many threads as torch has here; numpy would take all cores."""
    import torch  # takes a second: umtcli.media is wanted without it, too

    product: npt.NDArray[np.floating] = (torch.from_numpy(x) @ torch.from_numpy(y)).numpy()
    return product


def _state_space(*biquads: Biquad) -> tuple[Double, Double, Double, float]:
    """Biquads in series as s′ = A·s + B·x, y = C·s + D·x: matrices A, vectors B and C, and D.

    Each is in transposed direct form II: its two numbers are what it still has to add.
    """
    a, b, c, d = np.zeros((0, 0)), np.zeros(0), np.zeros(0), 1.0
    for (b0, b1, b2), (_, a1, a2) in biquads:
        own_a = np.array([[-a1, 1.0], [-a2, 0.0]])
        own_b = np.array([b1 - a1 * b0, b2 - a2 * b0])
        # its input is what those before it give: c·s + d·x
        a = np.block([[a, np.zeros((len(a), 2))], [np.outer(own_b, c), own_a]])
        b = np.concatenate([b, own_b * d])
        c = np.concatenate([b0 * c, [1.0, 0.0]])
        d *= b0
    return a, b, c, d
