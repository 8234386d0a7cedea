"""Which recordings a domain is made of: `NAME=FOLDER`, and the files in the folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from umtcli.catalog import NAME
from umtcli.errors import UsageError

_DOCUMENTS = (
    "csv cue db doc docx htm html ini json log md nfo pdf py rst sfv toml txt xml yaml yml zip"
)
_PICTURES = "bmp gif jpeg jpg png tif tiff webp"
_SCORES_AND_LISTS = "m3u m3u8 mid midi musicxml mxl pls"
NOT_AUDIO = frozenset(
    f".{suffix}" for suffix in " ".join((_DOCUMENTS, _PICTURES, _SCORES_AND_LISTS)).split()
)
"""Suffixes of what lies beside recordings: passed over without a word. Anything else that
cannot be decoded is reported."""


@dataclass(frozen=True)
class Source:
    """A domain and where its recordings are."""

    name: str
    """Of the domain: lower-case letters, digits and dashes."""
    folder: Path
    """A folder, searched with all that is in it, or one file."""

    def files(self) -> list[Path]:
        """Every file that may be audio, in the order of names; hidden ones are left out."""
        if not self.folder.is_dir():
            return [self.folder]
        return [
            path
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and path.suffix.lower() not in NOT_AUDIO
            and not any(part.startswith(".") for part in path.relative_to(self.folder).parts)
        ]

    def label(self, path: Path) -> str:
        """What the manifest calls a file: its path inside the folder."""
        return path.relative_to(self.folder).as_posix() if path != self.folder else path.name


def parse_sources(texts: Iterable[str]) -> list[Source]:
    """Read what was given as `NAME=FOLDER`.

    Raises:
        UsageError: a text is not of this form, a name is no domain's name or comes twice,
            or there is no such folder.

    >>> parse_sources(["kazoo"])
    Traceback (most recent call last):
    umtcli.errors.UsageError: Say NAME=FOLDER, such as kazoo=recordings/, not 'kazoo'.
    """
    sources: dict[str, Source] = {}
    for text in texts:
        name, separator, folder = text.partition("=")
        if not separator or not folder:
            raise UsageError(f"Say NAME=FOLDER, such as kazoo=recordings/, not {text!r}.")
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for a domain: use lower-case letters, digits and dashes."
            )
        if name in sources:
            raise UsageError(f"There are two domains called {name}. Give each a name of its own.")
        if not Path(folder).exists():
            raise UsageError(f"There is no folder {folder}. Is the path right?")
        sources[name] = Source(name, Path(folder))
    return list(sources.values())
