"""The manifest: what a prepared domain holds, where it came from, what was left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from umtcli.errors import TrainingError, cannot_write
from umtcli.whole import whole_file

FORMAT = 1
FILE = "manifest.json"
Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Part:
    """A stretch of a recording."""

    split: Split
    first: int
    """Sample of the recording at which it begins."""
    num_samples: int


@dataclass(frozen=True)
class Record:
    """One recording and its shard."""

    source: str
    """Path inside the folder it was found in."""
    bytes: int
    """Size of the source file."""
    modified_ns: int
    """When the source file was last changed, in ns since 1970."""
    sha256: str
    """Of the source file."""
    num_samples: int
    sounding_s: float
    """How much of it is not silent."""
    clipped_share: float
    """Of the sounding time, how much is clipped: 0 … 1."""
    gain_db: float
    """What brought it to the level of training."""
    shard: str
    """Name of the file in `shards/`."""
    score_sha256: str | None = None
    """Of the MIDI file beside it, if its notes are in the shard."""
    warning: str | None = None
    """Why only a part of it could be read, if so."""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Reject:
    """A file that was left out, and why."""

    source: str
    reason: str
    unreadable: bool = False
    """Whether it is broken, or no audio at all; else it is of no use here."""


@dataclass(frozen=True)
class Manifest:
    """A prepared domain.

    Attributes:
        domain: its name.
        family: the audio is as this family learns from it.
        sample_rate: of the shards (Hz).
        folder: where the recordings were found.
        records: in the order of their names.
        rejects: the same.
    """

    domain: str
    family: str
    sample_rate: int
    folder: str
    records: tuple[Record, ...]
    rejects: tuple[Reject, ...]

    @property
    def duration_s(self) -> float:
        """Of all recordings (s)."""
        return sum(record.num_samples for record in self.records) / self.sample_rate

    @property
    def sounding_s(self) -> float:
        """Of all recordings, without their silences (s)."""
        return sum(record.sounding_s for record in self.records)

    @property
    def clipped_share(self) -> float:
        """Of the sounding time, how much is clipped: 0 … 1."""
        clipped_s = sum(record.clipped_share * record.sounding_s for record in self.records)
        return clipped_s / self.sounding_s if self.sounding_s else 0.0

    def split_s(self, split: Split) -> float:
        """Length of one split (s)."""
        return sum(part.num_samples for _, part in self.parts(split)) / self.sample_rate

    def parts(self, split: Split) -> Iterator[tuple[Record, Part]]:
        """The stretches of one split, with their recordings."""
        for record in self.records:
            for part in record.parts:
                if part.split == split:
                    yield record, part


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a domain's manifest; the file appears whole or not at all.

    Raises:
        TrainingError: it cannot be written.
    """
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1)
    try:
        with whole_file(folder / FILE) as f:
            f.write(text.encode())
    except OSError as e:
        raise TrainingError(cannot_write(folder / FILE, e)) from e


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a prepared domain.

    Raises:
        TrainingError: there is none, or it is damaged or of another umt.
    """
    path = folder / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise TrainingError(f"{path} is of another umt's format. Run umt prepare again.")
        records = tuple(record_of(record) for record in values.pop("records"))
        rejects = tuple(Reject(**reject) for reject in values.pop("rejects"))
        return Manifest(records=records, rejects=rejects, **values)
    except OSError as e:
        raise TrainingError(f"There is no prepared domain in {folder}. Run umt prepare.") from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise TrainingError(f"{path} is damaged ({e}). Run umt prepare again.") from e


def record_of(values: dict[str, Any]) -> Record:
    """A record from its JSON.

    Raises:
        KeyError, TypeError: it is none.
    """
    parts = tuple(Part(**part) for part in values["parts"])
    return Record(**{**values, "parts": parts})
