"""What is to be done: a request as the user made it, and the jobs it was planned into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from umtcli.config import BLEND_AT_S, BLEND_CROSSFADE_S
from umtcli.domain import Value
from umtcli.errors import UmtError
from umtcli.pipeline.players import Player

STDIO = "-"
"""The name of standard input and standard output."""


@dataclass(frozen=True)
class Request:
    """What a user asked `umt convert` for."""

    inputs: tuple[str, ...]
    """Files, folders, or `-` for standard input."""
    to: tuple[str, ...]
    """Names of domains, or mixes such as `piano*0.7+strings*0.3`: see `players`."""
    output: str | None = None
    """A file, a folder, `-` for standard output; None: beside each input."""
    format: str | None = None
    """Container of the outputs (`wav`, `flac`, `mp3`, …); None: by name, else as the input."""
    rate: int | None = None
    """Sample rate of the outputs in Hz; None: the decoder's."""
    bits: int = 16
    """Of PCM formats: 16 (dithered), 24, or 32 for float."""
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Family options as text."""
    seed: int = 0
    """0 … 2**63 - 1."""
    device: str = "auto"
    overwrite: bool = False


@dataclass(frozen=True)
class BlendRequest:
    """What a user asked `umt blend` for."""

    request: Request
    """Two inputs, one player; all else as for `umt convert`."""
    at_s: float = BLEND_AT_S
    """Where the crossfade starts, in seconds of the first piece."""
    crossfade_s: float = BLEND_CROSSFADE_S


@dataclass(frozen=True)
class Output:
    """One input played by one domain, or by one mix."""

    player: Player
    options: Mapping[str, Mapping[str, Value]] = field(hash=False)
    """By family of the player's domains: a value for every option it declares."""
    path: Path | None
    """None: standard output."""
    format: str | None = None
    """None: as the path's suffix says."""
    refused: UmtError | None = None
    """Why it will not be made, if that was clear before any work."""

    def __str__(self) -> str:
        return STDIO if self.path is None else str(self.path)


@dataclass(frozen=True)
class Job:
    """One input with its outputs; it is decoded and encoded once for all of them.

    A blend is a job with a second input.
    """

    source: Path | None
    """None: standard input."""
    outputs: tuple[Output, ...]
    blended_into: Path | None = None
    """The second input of a blend."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The inputs that are files."""
        return tuple(path for path in (self.source, self.blended_into) if path)

    def __str__(self) -> str:
        first = STDIO if self.source is None else str(self.source)
        return first if self.blended_into is None else f"{first} + {self.blended_into}"
