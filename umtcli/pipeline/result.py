"""What became of one output."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from umtcli.errors import UmtError

State = Literal["done", "skipped", "planned"]
"""`skipped`: it was there already, made from the same by the same; `planned`: a dry run."""


@dataclass(frozen=True)
class Result:
    """One input played in one domain, or why it was not."""

    input: str
    """The input's path, or `-` for standard input."""
    output: str
    """The output's path, or `-` for standard output."""
    domain: str
    """Its name; a mix as it was asked for, e.g. `piano*0.7+strings*0.3`; `midi` of notes."""
    error: UmtError | None = None
    """None if the output is complete."""
    state: State = "done"
    """What became of it, if there was no error."""
    duration_s: float = 0.0
    """Length of the audio, in seconds."""
    seconds: float = 0.0
    """Time that the work on this input took, in seconds; outputs of one input share it."""
    gain_db: float | None = None
    """Gain that brought the output to the input's loudness; None where it varied (pipes)."""
    limited_by_ceiling: bool = False
    """True if the true-peak ceiling kept the output quieter than the input."""
    warning: str | None = None
    """What to know about a complete output, e.g. that the input's end was damaged."""

    @property
    def ok(self) -> bool:
        """True if the output is complete."""
        return self.error is None

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of music made per second of work; None if nothing was made."""
        if not self.ok or self.state != "done" or self.seconds <= 0 or self.duration_s <= 0:
            return None
        return self.duration_s / self.seconds

    def as_json(self) -> dict[str, Any]:
        """The result as plain JSON values, rounded to what is meaningful.

        >>> Result("a.wav", "a-piano.wav", "piano").as_json()["status"]
        'done'
        """
        factor = self.real_time_factor
        return {
            "input": self.input,
            "output": self.output,
            "domain": self.domain,
            "status": self.state if self.ok else "failed",
            "error": None if self.error is None else str(self.error),
            "error_type": None if self.error is None else type(self.error).__name__,
            "duration_s": round(self.duration_s, 6),
            "seconds": round(self.seconds, 3),
            "real_time_factor": None if factor is None else float(f"{factor:.4g}"),
            "gain_db": _finite(self.gain_db),
            "limited_by_ceiling": self.limited_by_ceiling,
            "warning": self.warning,
        }


def _finite(value: float | None) -> float | None:
    """JSON knows no infinity."""
    return None if value is None or not math.isfinite(value) else round(value, 2)
