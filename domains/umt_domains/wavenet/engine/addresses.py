"""Memory by its address, in compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from umt_domains.wavenet.engine.compiling import compiled

LINE_BYTES = 64
"""Of a cache."""


def _as_pointer(context: Any, address: Any) -> Any:
    del context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int32)(address), generate


def _as_fetch(context: Any, address: Any) -> Any:
    del context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        pointer, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # to be written, into the nearest cache, of data
        place = builder.inttoptr(arguments[0], pointer)
        builder.call(function, [place, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(address), generate


words_at = cast("Callable[[int], Any]", intrinsic(_as_pointer))
"""A pointer to words from an address."""
_fetch_line = cast("Callable[[int], None]", intrinsic(_as_fetch))
"""Bring the cache line of an address near, while other work goes on."""


@compiled
def fetch(address: int, num_bytes: int) -> None:
    """Bring so many bytes near."""
    for line in range(address - address % LINE_BYTES, address + num_bytes, LINE_BYTES):
        _fetch_line(line)
