"""Which files are meant: those that were named, and those found in folders.

album/            ─▶ cd1/a.flac     an audio suffix: an input, and an error if it is none
                     cd1/b.sound    anything else: asked ffmpeg
                     cd1/again ↺    a link back: followed once
                     .cache/…       hidden: left alone
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from umtcli.errors import DecodeError, UsageError
from umtcli.media import probe
from umtcli.pipeline.jobs import STDIO, Selection
from umtcli.pipeline.manifest import Manifests

_AUDIO = (
    "aac ac3 aif aiff amr ape au caf dsf eac3 flac m4a m4b mka mp2 mp3 mpc oga ogg opus rf64 snd "
    "spx tak tta w64 wav wave wma wv"
)
AUDIO_SUFFIXES = frozenset(f".{name}" for name in _AUDIO.split())
"""What a file of such a name cannot hold is an error, not another kind of file: a damaged
song in an album must not be passed over in silence. It also saves a start of ffmpeg each."""


@dataclass(frozen=True)
class Source:
    """One input."""

    path: Path | None
    """None: standard input."""
    folder: Path = Path()
    """Where it is inside the folder that was named."""
    found: bool = False
    """In a folder, rather than named."""


def find_sources(
    inputs: Sequence[str], selection: Selection, manifests: Manifests
) -> tuple[Source, ...]:
    """The inputs that were named, then those found in folders; each once.

    Args:
        inputs: files, folders, or `-` for standard input.
        selection: which of the files in folders are meant; those that were named always are.
        manifests: tell which files umt made itself; in folders, these are no inputs.

    Raises:
        UsageError: there is nothing to convert, or a folder cannot be read.
    """
    if not inputs:
        raise UsageError("Say what to convert: files, folders, or - for standard input.")
    named: dict[Path | None, Source] = {}
    found: dict[Path | None, Source] = {}
    for text in inputs:
        path = None if text == STDIO else Path(text)
        if path is None or not path.is_dir():
            named[path] = Source(path)
            continue
        inside = list(_audio_files(path, selection, manifests))
        if not inside:
            meant = " that is meant" if selection.include or selection.exclude else ""
            raise UsageError(f"There is no audio in the folder {path}{meant}.")
        found.update((f, Source(f, f.parent.relative_to(path), found=True)) for f in inside)
    return (*named.values(), *(source for path, source in found.items() if path not in named))


def _audio_files(folder: Path, selection: Selection, manifests: Manifests) -> Iterator[Path]:
    for path in sorted(_files(folder)):
        meant = _is_meant(path.relative_to(folder), selection)
        if meant and not manifests.made(path) and _is_audio(path):
            yield path


def _files(folder: Path) -> Iterator[Path]:
    """All files that are not hidden; each folder once, whatever links lead to it.

    Links to folders come last, so that a file is found where it is rather than by a link.
    """
    seen: set[tuple[int, int]] = set()
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        inside = folders.popleft() if folders else links.popleft()
        try:
            status = inside.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            entries = sorted(os.scandir(inside), key=lambda entry: entry.name)
        except OSError as e:
            raise UsageError(f"Cannot read the folder {inside}: {e.strerror}.") from e
        for entry in entries:
            path = inside / entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_file():
                yield path
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append(path)


def _is_meant(relative: Path, selection: Selection) -> bool:
    included = not selection.include or _matches(relative, selection.include)
    return included and not _matches(relative, selection.exclude)


def _matches(relative: Path, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits a file's name or path, or those of a folder above it."""
    path = PurePosixPath(relative.as_posix())
    texts = [text for level in (path, *path.parents) for text in (level.name, str(level))]
    return any(fnmatchcase(text, pattern.rstrip("/")) for text in texts for pattern in patterns)


def _is_audio(path: Path) -> bool:
    if path.suffix.lower() in AUDIO_SUFFIXES:
        return True
    try:
        probe(path)
    except DecodeError:
        return False  # covers, playlists, notes: a folder may hold anything
    return True
