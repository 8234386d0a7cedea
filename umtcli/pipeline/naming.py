"""Where an output goes and what it is called."""

from __future__ import annotations

import os
import re
from pathlib import Path

from umtcli.errors import EncodeError, UsageError
from umtcli.media import supported_formats
from umtcli.media.formats import find_format
from umtcli.pipeline.discovery import Source
from umtcli.pipeline.jobs import STDIO, Request
from umtcli.pipeline.players import MIDI, Player, Scribe

DEFAULT_FORMAT = "wav"
DEFAULT_NAME = "{stem}-{domain}.{ext}"
NOTES_NAME, NOTES_SUFFIX = "{stem}.{ext}", ".mid"
FIELDS = ("stem", "name", "domain", "ext")
"""What `--name` may hold: the input's name without and with its suffix, the domain, the
output's suffix."""


class Naming:
    """Names outputs by what `-o` says.

    | -o | one input, one domain | else |
    |---|---|---|
    | nothing | `INPUT-DOMAIN.ext` beside the input | the same |
    | `name.ext` | that file | wrong |
    | a folder, or a name without suffix | `INPUT-DOMAIN.ext` in it | the same |
    | `-` | standard output | wrong |

    A file found in a folder keeps its place in the tree, unless `--flat` says otherwise.
    `--name '{domain}/{stem}.{ext}'` replaces `INPUT-DOMAIN.ext`; see `FIELDS`.
    A mix is called `piano+strings`, or `piano@0.7+strings@0.3` if gains were given.
    The suffix is `--format`'s, else the input's if it can be written, else `wav`.
    Notes are called `INPUT.mid`, or as `--name` and `-o` say, with `.mid` for the suffix.
    """

    def __init__(self, request: Request, num_outputs: int, *, folders: bool) -> None:
        """Read `-o`, `--format`, `--name` and `--flat`.

        Args:
            request: what the user asked for.
            num_outputs: how many there will be.
            folders: whether some inputs were found in folders; then `-o` is one, too.

        Raises:
            UsageError: they make no sense, or none together.
        """
        self._format = None if request.format is None else request.format.lower()
        if self._format is not None and not _is_writable(self._format):
            raise UsageError(
                f"Cannot write {request.format!r}. --format takes {', '.join(supported_formats())}."
            )
        self._flat = request.flat
        self._name = None if request.name is None else _check_name(request.name)
        self._to_stdout = request.output == STDIO
        self._file: Path | None = None
        self._folder: Path | None = None
        if self._to_stdout:
            if request.midi:
                raise UsageError("--midi writes a file beside the output: it needs one, not -o -.")
            if num_outputs > 1 or folders:
                raise UsageError("-o - takes one input and one domain: a pipe holds one stream.")
        elif request.output is not None:
            if _names_a_file(request.output):
                self._file = self._check_file(Path(request.output), num_outputs, folders)
            else:
                self._folder = Path(request.output)
        if request.flat and self._folder is None:
            raise UsageError("--flat puts all outputs into one folder: name it with -o FOLDER.")
        if request.name is not None and (self._to_stdout or self._file):
            raise UsageError(f"-o {request.output} is a name already: leave out --name.")

    def output(self, source: Source, player: Player) -> tuple[Path | None, str | None]:
        """The path of one output (None: standard output) and its format.

        Args:
            source: the input.
            player: what plays it.

        Raises:
            UsageError: standard input, and no `-o`; or `--name` leads out of the folder.
        """
        if self._to_stdout:
            return None, self._format or DEFAULT_FORMAT
        if self._file is not None:
            return self._file, self._format
        suffix = self._format or self._suffix_of(source.path)
        name = self._render(self._name or DEFAULT_NAME, source.path, player.file_name, suffix)
        if self._format is None and not _is_writable(name.suffix):
            raise UsageError(
                f"--name {self._name} makes '{name}', which has no suffix that umt can write. "
                "End it with .{ext}, or say --format."
            )
        return self._place(source, name), self._format

    def notes(self, source: Source, scribe: Scribe) -> Path:
        """The path of the notes of an input.

        Args:
            source: the input.
            scribe: who writes them down.

        Raises:
            UsageError: as `output`.
        """
        if self._file is not None:
            return self._file.with_suffix(NOTES_SUFFIX)
        template = self._name or (NOTES_NAME if scribe.name == MIDI else DEFAULT_NAME)
        name = self._render(template, source.path, scribe.file_name, NOTES_SUFFIX[1:])
        if name.suffix != NOTES_SUFFIX:
            stem = name.stem if _is_writable(name.suffix) else name.name
            name = name.with_name(stem + NOTES_SUFFIX)
        return self._place(source, name)

    def _place(self, source: Source, name: Path) -> Path:
        """Where what is called so goes."""
        if self._folder is not None:
            return self._folder / (Path() if self._flat else source.folder) / name
        if source.path is None:
            raise UsageError("Standard input has no name: say -o FILE, or -o - for a pipe.")
        return source.path.parent / name

    def _render(self, template: str, source: Path | None, domain: str, suffix: str) -> Path:
        values = {
            "stem": source.stem if source else "stdin",
            "name": source.name if source else "stdin",
            "domain": domain,
            "ext": suffix,
        }
        # one pass: a file may be called {domain}.mp3
        text = re.sub(r"\{(\w+)\}", lambda match: values[match[1]], template)
        path = Path(text)
        # an input may be called `...mp3`, whose stem is `..`
        if path.is_absolute() or not path.name or ".." in path.parts:
            raise UsageError(f"--name {template} makes {text!r} of {source}: choose another.")
        return path

    def _suffix_of(self, source: Path | None) -> str:
        suffix = source.suffix[1:].lower() if source else ""
        return suffix if _is_writable(suffix) else DEFAULT_FORMAT

    def _check_file(self, path: Path, num_outputs: int, folders: bool) -> Path:
        if num_outputs > 1 or folders:
            raise UsageError(
                f"-o {path} names one file, but there may be {num_outputs} outputs. "
                f"Name a folder: -o {path.with_suffix('')}{os.sep}"
            )
        if self._format is None and not _is_writable(path.suffix):
            raise UsageError(
                f"Cannot write {path.suffix or path.name} files. Use one of "
                f"{', '.join(supported_formats())}, or --format. (A folder? End it with {os.sep})"
            )
        return path


def _check_name(template: str) -> str:
    """The template, if it holds known fields only."""
    fields = re.findall(r"\{(\w+)\}", template)
    known = ", ".join(f"{{{field}}}" for field in FIELDS)
    if set(fields) - set(FIELDS) or re.search(r"[{}]", re.sub(r"\{\w+\}", "", template)):
        raise UsageError(f"--name {template}: the fields are {known}.")
    return template


def _is_writable(name: str) -> bool:
    try:
        find_format(name, name)
    except EncodeError:
        return False
    return True


def _names_a_file(text: str) -> bool:
    separators = tuple(filter(None, (os.sep, os.altsep)))
    path = Path(text)
    if text.endswith(separators) or path.is_dir():
        return False
    return bool(path.suffix) or path.is_file()
