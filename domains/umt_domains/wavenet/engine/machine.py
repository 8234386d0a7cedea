"""A compiled engine, made for the processor at hand and tried before it is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from umt_domains.wavenet.engine.choosing import compiled_engines
from umt_domains.wavenet.engine.kernel import Kernel, build
from umt_domains.wavenet.engine.kinds import KINDS
from umt_domains.wavenet.engine.packing import panels
from umt_domains.wavenet.engine.plain import PLAIN, build_plain
from umt_domains.wavenet.engine.products import Slot, add_product

TOLERANCE = {"float32": 1e-5, "bfloat16": 2e-2, "int8": 2e-2}
"""Of a product of unit vectors, by precision."""

ROUGH = frozenset(kind.name for kind in KINDS if kind.scaled)
"""Kinds that are taken only where they are asked for."""


@dataclass(frozen=True)
class Engine:
    """What multiplies in the loop."""

    kernel: Kernel
    slot: Slot

    @property
    def name(self) -> str:
        """As users say it."""
        return self.kernel.kind.name

    @property
    def precision(self) -> str:
        """Of weights: `float32`, `bfloat16` or `int8`."""
        return self.kernel.kind.precision


@cache
def fastest() -> Engine:
    """The first engine that multiplies correctly; plain loops do. int8 is for those who ask."""
    *others, plain = compiled_engines()
    for name in others:
        if name in ROUGH:
            continue
        engine = make(name)
        if multiplies(engine):
            return engine
    return make(plain)


@cache
def make(name: str) -> Engine:
    """Compile the engine of this name."""
    kinds = {kind.name: kind for kind in KINDS}
    kernel = build_plain() if name == PLAIN.name else build(kinds[name])
    return engine_of(kernel)


def engine_of(kernel: Kernel) -> Engine:
    """The engine around a micro-kernel."""
    kind = kernel.kind
    at_once = [0, *(kind.panels_at_once(rows) for rows in range(1, kind.most_rows + 1))]
    slot = Slot(kernel.add_block, np.array(at_once), kind.packed)
    return Engine(kernel, slot)


def multiplies(engine: Engine) -> bool:
    """Whether products of all numbers of rows are right: one more guard for new processors."""
    kind = engine.kernel.kind
    generator = np.random.default_rng(0)
    depth, columns = 16, 5 * kind.width
    w_KM = generator.standard_normal((depth, columns), np.float32) / np.float32(depth**0.5)
    w_PB = panels(w_KM, kind)
    for rows in range(1, 2 * kind.most_rows + 2):
        x_NK = generator.standard_normal((rows, depth), np.float32)
        y_NM = generator.standard_normal((rows, columns), np.float32)
        words = np.empty(rows * (depth + 1), np.int32)
        wanted_NM = y_NM + x_NK.astype(float) @ w_KM
        add_product(engine.slot, y_NM, x_NK, depth, w_PB, words)
        if not np.abs(y_NM - wanted_NM).max() < 5 * TOLERANCE[engine.precision]:
            return False
    return True
