"""Pipes that tell when something came out of a run, and wait for it."""

from __future__ import annotations

import io
import threading


class PatientSource(io.RawIOBase):
    """A pipe that holds its second half back until audio has come out at the other end."""

    def __init__(self, data: bytes, came_out: threading.Event) -> None:
        self.halves = [data[: len(data) // 2], data[len(data) // 2 :]]
        self.came_out = came_out
        self.in_time = False

    def read(self, size: int = -1) -> bytes:
        if not self.halves:
            return b""
        if len(self.halves) == 1:
            self.in_time = self.came_out.wait(timeout=60)
        return self.halves.pop(0)


class Sink(io.BytesIO):
    """A pipe that tells when more than a header came out."""

    def __init__(self, came_out: threading.Event) -> None:
        super().__init__()
        self.came_out = came_out

    def write(self, data: bytes) -> int:
        written = super().write(data)
        if self.tell() > 10_000:
            self.came_out.set()
        return written
