"""Numba's compiler, set up for this engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numba.core import event
from numba.core.cpu import CPUTargetOptions
from numpy.typing import NDArray

from umtcli import console

Function = TypeVar("Function", bound=Callable[..., Any])

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Words = NDArray[np.int32]
"""What a micro-kernel takes in 4 bytes: a float32, two bfloat16 or four int8, behind which there is
a scale."""

FAST_MATH = {"contract", "nnan", "ninf", "nsz"}
"""Products and sums may fuse, and there are no NaN, infinities or signed zeros. Sums are not
reordered: a row would then depend on how the compiler cut the loop.
"""

UNCOUNTED = {"_nrt": False} if hasattr(CPUTargetOptions, "_nrt") else {}
"""Without Numba's runtime, which counts who holds an array: the caller holds them all. Counting
those of the weights and buffers, some thirty, took half a microsecond for each call, and a
layer makes several."""


def compiled(function: Function) -> Function:
    """Let a function be compiled when it is first called, and keep the code between runs.

    Without the GIL: threads run it at the same time. It may not allocate or return arrays, see
    `UNCOUNTED`.
    """
    made: Function = kept(
        njit,
        nogil=True,
        error_model="numpy",
        fastmath=FAST_MATH,
        forceinline=True,
        **UNCOUNTED,
    )(function)
    return made


def kept(compiler: Callable[..., Any], *arguments: Any, **options: Any) -> Callable[..., Any]:
    """One of Numba's decorators, which keeps the compiled code between runs.

    It is kept beside its source if that folder can be written to, else in the user's cache
    folder, else nowhere. Numba makes it anew when the file that it is in has changed, but not when
    what it takes from another file has; so its name tells all files of the folder.

    Source: of the limits of what is kept, Numba's manual, Notes on Caching.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        folder = Path(function.__code__.co_filename).parent
        function.__qualname__ += f"_{digest_of_sources(folder)}"
        try:
            return compiler(*arguments, cache=True, **options)(function)
        except RuntimeError:  # Numba's word for: no folder can be written to
            return compiler(*arguments, **options)(function)

    return decorate


@cache
def digest_of_sources(folder: Path) -> str:
    """Tells a folder's Python files, without those in folders of it, from any others."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


class _Teller(event.Listener):
    """Tells of the first compilation that it sees; code that is ready makes no event."""

    def __init__(self) -> None:
        self._told = False

    def on_start(self, event: Any) -> None:
        """Something is about to be compiled."""
        del event
        if not self._told:
            console.say("Compiling the WaveNet engine for this processor, as the first run must …")
        self._told = True

    def on_end(self, event: Any) -> None:
        """It is."""


@contextmanager
def telling_of_it() -> Iterator[None]:
    """Say so if anything is compiled inside: it takes seconds."""
    with event.install_listener("numba:compile", _Teller()):
        yield
