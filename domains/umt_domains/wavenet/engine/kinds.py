"""Kinds of micro-kernels: what they are made of, and which of them a processor runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VECTORS = 2
"""Registers that a panel is wide."""
DEPTH_MULTIPLE = 8
"""K is padded to a multiple of this: whole turns of the loop in every precision."""


@dataclass(frozen=True)
class Kind:
    """What a micro-kernel is made of."""

    name: str
    lanes: int
    """float32 numbers in a register."""
    registers: int
    features: tuple[str, ...]
    """Of the processor; without all of them it does not run."""
    precision: str = "float32"
    """Of the weights and of x; what is added to y is float32 always. Or `bfloat16`, or `int8`."""
    emulated: bool = False
    """Whether words are multiplied by instructions for float32 and int32, which any processor
    has."""

    @property
    def packed(self) -> int:
        """Numbers in a word."""
        return {"float32": 1, "bfloat16": 2, "int8": 4}[self.precision]

    @property
    def scaled(self) -> bool:
        """Whether rows of x and panels end with scales, which `blocks.ScaledBlock` reads."""
        return self.precision == "int8"

    @property
    def unrolled(self) -> int:
        """Words of k in one turn of the loop."""
        return min(4, DEPTH_MULTIPLE // self.packed)

    @property
    def width(self) -> int:
        """Columns of a panel."""
        return VECTORS * self.lanes

    @property
    def most_rows(self) -> int:
        """Of a block: three quarters of the registers hold sums."""
        return 3 * self.registers // (4 * VECTORS)

    def panels_at_once(self, rows: int) -> int:
        """Of a block of so many rows: few rows need several panels to keep all units busy."""
        fitting = (self.registers - 1) // ((rows + 1) * VECTORS)
        return 4 if rows == 1 else min(2, fitting)


AVX2 = Kind("avx2", 8, 16, ("avx2", "fma"))
AVX512 = Kind("avx512", 16, 32, ("avx512f",))
AVX512_BF16 = Kind("avx512-bf16", 16, 32, ("avx512f", "avx512bf16"), "bfloat16")
NEON = Kind("neon", 4, 32, ("neon",))
AVX512_INT8 = Kind("avx512-int8", 16, 32, ("avx512f", "avx512vnni"), "int8")
KINDS = (AVX512_BF16, AVX512, AVX2, NEON, AVX512_INT8)
"""The widest first; what only who asks for it gets comes last."""


def usable(features: Mapping[str, bool]) -> tuple[Kind, ...]:
    """The kinds that a processor runs, in the order of `KINDS`.

    >>> [kind.name for kind in usable({"avx2": True, "fma": True})]
    ['avx2']
    """
    return tuple(kind for kind in KINDS if all(features.get(f, False) for f in kind.features))
