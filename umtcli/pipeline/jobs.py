"""What is to be done: a request as the user made it, and the jobs it was planned into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from umtcli.config import BLEND_AT_S, BLEND_CROSSFADE_S
from umtcli.domain import Value
from umtcli.errors import UmtError
from umtcli.pipeline.players import Player, Scribe

STDIO = "-"
"""The name of standard input and standard output."""


@dataclass(frozen=True)
class Shard:
    """One of several shares of the work, which together are all of it."""

    index: int
    """1 … count."""
    count: int


@dataclass(frozen=True)
class Selection:
    """Which of the inputs are meant."""

    include: tuple[str, ...] = ()
    """Patterns (`*.flac`, `cd1/*`); of files in folders only these, if there are any."""
    exclude: tuple[str, ...] = ()
    """Patterns of files and folders to leave out."""
    shard: Shard | None = None
    """None: all of them."""
    retry_failed: bool = False
    """Only outputs that failed when they were last tried."""


@dataclass(frozen=True)
class Limits:
    """What one input may take."""

    timeout_s: float | None = None
    """Seconds of work; then its worker process is ended. None: for ever, in this process."""
    max_duration_s: float | None = None
    """Seconds of audio; None: any length."""


@dataclass(frozen=True)
class Request:
    """What a user asked `umt convert` for."""

    inputs: tuple[str, ...]
    """Files, folders, or `-` for standard input."""
    to: tuple[str, ...]
    """Names of domains, or mixes such as `piano*0.7+strings*0.3`, see `players`; or several
    of them in one text, separated by commas."""
    output: str | None = None
    """A file, a folder, `-` for standard output; None: beside each input."""
    format: str | None = None
    """Container of the outputs (`wav`, `flac`, `mp3`, …); None: by name, else as the input."""
    name: str | None = None
    """How outputs are called, see `naming`; None: `{stem}-{domain}.{ext}`."""
    flat: bool = False
    """All outputs in one folder, rather than in the tree that the inputs were found in."""
    rate: int | None = None
    """Sample rate of the outputs in Hz; None: the decoder's."""
    bits: int = 16
    """Of PCM formats: 16 (dithered), 24, or 32 for float."""
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Family options as text."""
    mix: float = 0.0
    """Share of the input's own sound in the outputs, 0 … 1."""
    seed: int = 0
    """0 … 2**63 - 1."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda` or `cuda:N`; several are separated by commas."""
    cluster: str | None = None
    """Address of the Ray cluster that does it; None: this machine."""
    midi: bool = False
    """Also write the notes that were heard, as a MIDI file for each input and encoder."""
    overwrite: bool = False
    """Make again what is there already, whoever made it."""
    verify: bool = False
    """Read outputs that are done, to see that they are still what was made."""
    dry_run: bool = False
    """Tell what would be done, and do nothing."""
    selection: Selection = Selection()
    limits: Limits = Limits()


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
    """One input played by one domain, or by one mix; or its notes, written down."""

    player: Player | Scribe
    options: Mapping[str, Mapping[str, Value]] = field(hash=False)
    """By family of the player's domains: a value for every option it declares. A scribe has
    none."""
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
