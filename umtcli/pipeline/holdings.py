"""What a file in flight holds: processes, temporary files, locks. All is given back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack


class Cancelled(BaseException):
    """The run is over; nobody wants to know."""


class Holdings:
    """An `ExitStack` that another thread may cancel while this one takes more."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._cancelled = False

    def callback(self, give_back: Callable[[], object]) -> None:
        """Call this in the end.

        Raises:
            Cancelled: the end has come; it was called.
        """
        with self._lock:
            if not self._cancelled:
                self._stack.callback(give_back)
                return
        give_back()
        raise Cancelled

    def cancel(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._cancelled = True

    def close(self) -> None:
        """Give everything back. May be called twice."""
        self.cancel()
        self._stack.close()
