"""Examples made ready in the background, so that a device does not wait for a disk."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """Makes the same part of the next steps' batches while this step's is used.

    What is made depends on its numbers alone, so that making it early, twice or never changes
    nothing. May be asked from several threads.

    Args:
        make: (index, size) → what is wanted of examples `index` … `index + size − 1`.
        stride: examples from one step to the next.
        end: no example from here on is made before it is asked for.
        num_threads: that make things.
        depth: steps to be ahead.
    """

    def __init__(
        self,
        make: Callable[[int, int], Made],
        stride: int,
        end: int,
        num_threads: int,
        depth: int = 2,
    ) -> None:
        self._make = make
        self._stride = stride
        self._end = end
        self._depth = depth
        self._pool = ThreadPoolExecutor(num_threads)
        self._coming: dict[tuple[int, int], Future[Made]] = {}
        self._lock = Lock()

    def get(self, index: int, size: int) -> Made:
        """What is made of these examples; it is kept until a later step asks."""
        with self._lock:
            for first, num in list(self._coming):
                if first <= index - self._stride:
                    del self._coming[first, num]
            wanted = self._begin(index, size)
            for step in range(1, self._depth + 1):
                if index + step * self._stride < self._end:
                    self._begin(index + step * self._stride, size)
        return wanted.result()

    def _begin(self, index: int, size: int) -> Future[Made]:
        if (index, size) not in self._coming:
            self._coming[index, size] = self._pool.submit(self._make, index, size)
        return self._coming[index, size]
