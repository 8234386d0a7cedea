"""What umt made in a folder and what failed there: `.umt.jsonl`, one JSON object a line.

    {"output": "song-piano.wav", "key": "9f2c…", "bytes": 1764044, "mtime_ns": 1…, "sha256": …}
    {"output": "demo-piano.wav", "error": "Cannot decode demo.mp3: …"}

The last line about an output counts. A line is written, and on disk, before the output gets
its name: whatever has a name and fits its line is whole. Lines are only ever appended, under
a lock, so that runs in several processes share a folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from umtcli.media.pending import locked

MANIFEST = ".umt.jsonl"


@dataclass(frozen=True)
class Made:
    """An output that was made."""

    key: str
    """Hash of all that it was made from: see `recipe`."""
    bytes: int
    mtime_ns: int
    sha256: str
    duration_s: float

    @classmethod
    def of(cls, path: Path, key: str, duration_s: float) -> Made:
        """Of a file that is complete, whatever its name is yet."""
        status = path.stat()
        return cls(key, status.st_size, status.st_mtime_ns, content_hash(path), duration_s)

    def fits(self, path: Path, *, read: bool) -> bool:
        """Whether a file is still what was made.

        Args:
            path: of the file.
            read: compare what it holds, though its size and time say nothing else.
        """
        try:
            status = path.stat()
            if status.st_size != self.bytes:
                return False
            touched = status.st_mtime_ns != self.mtime_ns  # by a copy, or by an editor
            return not (read or touched) or content_hash(path) == self.sha256
        except OSError:
            return False


@dataclass(frozen=True)
class Failed:
    """An output that could not be made when it was last tried."""

    error: str


class Manifest:
    """The manifest of one folder. It is read as far as it was written when asked."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / MANIFEST
        self._read_bytes = 0
        self._entries: dict[str, Made | Failed] = {}
        self._lock = threading.Lock()

    def find(self, name: str) -> Made | Failed | None:
        """What is known of an output; None if nothing is."""
        with self._lock:
            self._read_on()
            return self._entries.get(name)

    def append(self, name: str, entry: Made | Failed) -> None:
        """Write an entry and bring it to disk.

        Raises:
            OSError: it could not be.
        """
        # ASCII only: half a character, as undecodable names have, comes back as it was
        line = json.dumps({"output": name, **asdict(entry)}) + "\n"
        with self._path.open("a+b", buffering=0) as file, locked(file.fileno()):
            if end := file.seek(0, os.SEEK_END):
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    line = "\n" + line  # a run was killed in the middle of its last line
            file.write(line.encode())
            os.fsync(file.fileno())

    def _read_on(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_bytes)
                data = file.read()
        except OSError:
            return
        whole = data[: data.rfind(b"\n") + 1]  # another run may be at the next line
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            value = json.loads(line)
            name, entry = str(value.pop("output")), _entry(value)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            return  # damaged, or of a later version: as if it were not there
        self._entries[name] = entry


class Manifests:
    """The manifests of all folders that a run has to do with."""

    def __init__(self) -> None:
        self._manifests: dict[Path, Manifest] = {}

    def of(self, output: Path) -> Manifest:
        """The manifest of an output's folder."""
        return self._manifests.setdefault(output.parent, Manifest(output.parent))

    def find(self, output: Path) -> Made | Failed | None:
        """What is known of an output; None if nothing is."""
        return self.of(output).find(output.name)

    def made(self, path: Path) -> bool:
        """Whether umt made this file, rather than somebody else under the same name."""
        entry = self.find(path)
        return isinstance(entry, Made) and entry.fits(path, read=False)


def content_hash(path: Path) -> str:
    """SHA-256 of what a file holds, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while data := file.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _entry(value: Mapping[str, Any]) -> Made | Failed:
    if "error" in value:
        return Failed(str(value["error"]))
    return Made(
        key=str(value["key"]),
        bytes=int(value["bytes"]),
        mtime_ns=int(value["mtime_ns"]),
        sha256=str(value["sha256"]),
        duration_s=float(value["duration_s"]),
    )
