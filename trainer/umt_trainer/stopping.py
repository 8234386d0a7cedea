"""Ctrl-C and SIGTERM: the step in hand is finished and saved before a run stops."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn


@dataclass
class StopRequest:
    """What was asked for, if anything.

    Attributes:
        signal: its number; 0 for none.
    """

    signal: int = 0

    def raise_as_asked(self) -> NoReturn:
        """End as the signal would have ended this process, had it not been caught.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after SIGTERM, with the exit code that shells give it.
        """
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.signal)


@contextmanager
def stop_requests(*, patient: bool) -> Iterator[StopRequest]:
    """Note SIGINT and SIGTERM instead of obeying at once. In other threads it notes nothing.

    Args:
        patient: obey not even a second Ctrl-C at once. torchrun passes on what the terminal
            has sent already, and would cut the saving short.
    """
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        if request.signal and number == signal.SIGINT and not patient:
            raise KeyboardInterrupt
        request.signal = number

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, note)
    except ValueError:
        pass  # not the main thread: its own handlers stay
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
