"""What puts quantised samples into a container: libsndfile (`pcm.py`) or ffmpeg (`encode.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from umtcli.media.formats import Format

Stored = npt.NDArray[np.int16] | npt.NDArray[np.int32] | npt.NDArray[np.float32]
"""(T, C) samples as `quantise` makes them; of 24 bits, the low byte is zero."""


@dataclass(frozen=True)
class Encoding:
    """What is to be made of the samples."""

    format: Format
    sample_rate: int
    """In Hz."""
    num_channels: int
    bits: int
    """As `Format.raw` takes them."""
    tags: Mapping[str, str]
    """As many as the container can hold are written."""


class Backend(Protocol):
    """Encodes one output. Whether it gets its name is the writer's affair."""

    def write(self, stored: Stored) -> None:
        """Append samples.

        Raises:
            BackendError: the output cannot grow.
        """

    def finish(self) -> None:
        """Complete the output and let go of it.

        Raises:
            BackendError: it is not whole.
        """

    def abort(self) -> None:
        """Let go of it as it is. May be called at any time, and twice."""


class BackendError(Exception):
    """An output cannot be written. Carries the reason alone; the writer knows the name."""
