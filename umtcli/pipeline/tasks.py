"""Work that is done beside the thread that decides: networks in a few threads, waiting in many.

scheduler ── compute ─▶ a pool, as many threads as networks may run at a time ─┐
    ▲    ── aside ───▶ a thread of its own: reading, opening, writing         ─┤
    └───────────────── what is done, one after the other ◀─────────────────────┘
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import torch


class Tasks:
    """Runs functions elsewhere, and hands what became of them back to one thread."""

    def __init__(self, num_threads: int, num_networks: int) -> None:
        """Start nothing yet.

        Args:
            num_threads: that torch may use, all networks together.
            num_networks: that compute at a time.
        """
        self._pool = ThreadPoolExecutor(
            num_networks,
            "umt",
            # threads share no such setting; a network's results may depend on it
            initializer=_set_num_threads,
            initargs=(num_threads // num_networks,),
        )
        self._ended: SimpleQueue[Future[Any]] = SimpleQueue()
        self._then: dict[Future[Any], Callable[[Future[Any]], None]] = {}
        self._threads: dict[Future[Any], threading.Thread] = {}

    def compute(
        self, work: Callable[..., Any], *given: object, then: Callable[[Future[Any]], None]
    ) -> None:
        """Let a network work; `then` is called by `take` with what became of it."""
        future = self._pool.submit(_inferred, work, *given)
        self._expect(future, then)

    def aside(
        self, work: Callable[..., Any], *given: object, then: Callable[[Future[Any]], None]
    ) -> None:
        """Do what mostly waits; for ever, perhaps: then the process can end all the same."""
        future: Future[Any] = Future()

        def run() -> None:
            _set_num_threads(1)  # the cores are the networks'
            try:
                result = work(*given)
            except BaseException as e:
                future.set_exception(e)
            else:
                future.set_result(result)

        self._expect(future, then)
        thread = self._threads[future] = threading.Thread(target=run, daemon=True)
        thread.start()

    def take(self) -> bool:
        """Wait until something is done, and tell who wanted it; False if nothing is under way."""
        if not self._then:
            return False
        future = self._ended.get()
        if thread := self._threads.pop(future, None):
            # it has only to let go of its tensors; torch aborts a process that ends meanwhile
            thread.join()
        self._then.pop(future)(future)
        return True

    def close(self, patience_s: float) -> None:
        """Let no network begin, and wait for those at work; for what waits, only so long."""
        self._pool.shutdown(cancel_futures=True)
        deadline = time.monotonic() + patience_s
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _expect(self, future: Future[Any], then: Callable[[Future[Any]], None]) -> None:
        self._then[future] = then
        future.add_done_callback(self._ended.put)


def _inferred(work: Callable[..., Any], *given: object) -> Any:
    # inference mode belongs to a thread
    with torch.inference_mode():
        return work(*given)


def _set_num_threads(num_threads: int) -> None:
    """How many threads torch may use in this thread.

    The first that a thread asks of torch sets it to what any thread set last: be that over.
    """
    torch.get_num_threads()
    torch.set_num_threads(num_threads)
