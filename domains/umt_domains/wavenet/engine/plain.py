"""The micro-kernel of plain loops, for processors that no other is written for."""

from __future__ import annotations

from typing import Any

from numba import cfunc, types

from umt_domains.wavenet.engine.compiling import FAST_MATH, kept
from umt_domains.wavenet.engine.kernel import Kernel, Prototype
from umt_domains.wavenet.engine.kinds import Kind

PLAIN = Kind("plain", lanes=8, registers=16, features=())
WIDTH = PLAIN.width

_FLOATS, _INT = types.CPointer(types.float32), types.int64
_SIGNATURE = types.void(_FLOATS, _INT, _FLOATS, _INT, _FLOATS, _INT, _INT, _INT)


def build_plain() -> Kernel:
    """Compile it, or fetch it from an earlier run."""
    function = kept(cfunc, _SIGNATURE, fastmath=FAST_MATH)(_add_block)
    return Kernel(PLAIN, Prototype(function.address), function)


def _add_block(
    y: Any, y_stride: int, x: Any, x_stride: int, w: Any, depth: int, rows: int, panels: int
) -> None:
    """As `kernel.Kernel` has it."""
    for panel in range(panels):
        for row in range(rows):
            for k in range(depth):
                number = x[row * x_stride + k]
                for column in range(WIDTH):
                    place = row * y_stride + panel * WIDTH + column
                    y[place] += number * w[(panel * depth + k) * WIDTH + column]
