"""What a file in flight holds: processes, temporary files, locks. All is given back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import TypeVar

Entered = TypeVar("Entered")


class Cancelled(BaseException):
    """The run is over; nobody wants to know."""


class Holdings:
    """An `ExitStack` that another thread may cancel while this one takes more.

    As a context manager it gives everything back at the end.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._cancelled = False

    def enter_context(self, resource: AbstractContextManager[Entered]) -> Entered:
        """Hold a resource until the end.

        Raises:
            Cancelled: the end has come; it was given back.
        """
        entered = resource.__enter__()
        self.callback(lambda: resource.__exit__(None, None, None))
        return entered

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

    def __enter__(self) -> Holdings:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
