"""Matrix products through a slot that a micro-kernel fills, as compiled code.

N rows, K numbers of each, M columns, P panels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from umt_domains.wavenet.engine.compiling import Bytes, Floats, Ints, Words, compiled
from umt_domains.wavenet.engine.rounding import QUADS, halve, int8_words, quantize


class Slot(NamedTuple):
    """What fills the slot for matrix products."""

    add_block: Callable[..., None]
    """See `kernel.Kernel`."""
    panels_at_once: Ints
    """By rows of a block; as long as the most rows, and one more."""
    packed: int
    """Numbers in a word of x: 1 of float32, 2 of bfloat16 or 4 of int8."""


@compiled
def row_words(slot: Slot, channels: int) -> int:
    """How many words a row of so many channels is, and its scale if it has one."""
    return int8_words(channels) if slot.packed == QUADS else channels // slot.packed


@compiled
def as_words(slot: Slot, x_NK: Floats, depth: int, words: Words) -> tuple[int, int]:
    """Address and stride of rows as the slot takes them; float32 stays where it is."""
    if slot.packed == 1:
        return x_NK.ctypes.data, x_NK.shape[1]
    if slot.packed == 2:
        halve(x_NK, depth, words)
    else:
        quantize(x_NK, depth, words)
    return words.ctypes.data, row_words(slot, depth)


@compiled
def add_product(
    slot: Slot, y_NM: Floats, x_NK: Floats, depth: int, w_PB: Bytes, words: Words
) -> None:
    """Add x · W to y. W has `depth` rows, and x at least as many columns."""
    x, x_stride = as_words(slot, x_NK, depth, words)
    add_words(slot, y_NM, x, x_stride, depth // slot.packed, w_PB)


@compiled
def add_words(slot: Slot, y_NM: Floats, x: int, x_stride: int, depth: int, w_PB: Bytes) -> None:
    """The same, cut into blocks; x is the address of words, and so are depth and strides."""
    rows, num_panels = len(y_NM), len(w_PB)
    y, y_stride, w = y_NM.ctypes.data, y_NM.shape[1], w_PB.ctypes.data
    width = y_stride // num_panels
    num_blocks = -(-rows // (len(slot.panels_at_once) - 1))
    at_once = slot.panels_at_once[-(-rows // num_blocks)]
    panel = 0
    while panel < num_panels:
        if panel + at_once > num_panels:
            at_once = 1
        for block in range(num_blocks):
            first, end = rows * block // num_blocks, rows * (block + 1) // num_blocks
            y_block = y + 4 * (first * y_stride + panel * width)
            x_block = x + 4 * first * x_stride
            slot.add_block(y_block, y_stride, x_block, x_stride, w, depth, end - first, at_once)
        w += at_once * w_PB.shape[1]
        panel += at_once
