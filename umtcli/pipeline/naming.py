"""Where an output goes and what it is called."""

from __future__ import annotations

import os
from pathlib import Path

from umtcli.errors import EncodeError, UsageError
from umtcli.media import supported_formats
from umtcli.media.formats import find_format
from umtcli.pipeline.jobs import STDIO, Request
from umtcli.pipeline.players import Player

DEFAULT_FORMAT = "wav"


class Naming:
    """Names outputs by what `-o` says.

    | -o | one input, one domain | else |
    |---|---|---|
    | nothing | `INPUT-DOMAIN.ext` beside the input | the same |
    | `name.ext` | that file | wrong |
    | a folder, or a name without suffix | `INPUT-DOMAIN.ext` in it | the same |
    | `-` | standard output | wrong |

    A mix is called `piano+strings`, or `piano@0.7+strings@0.3` if gains were given.
    The suffix is `--format`'s, else the input's if it can be written, else `wav`.
    """

    def __init__(self, request: Request, num_outputs: int, *, folders: bool) -> None:
        """Read `-o` and `--format`.

        Args:
            request: what the user asked for.
            num_outputs: how many there will be.
            folders: whether some inputs were found in folders; then `-o` is one, too.

        Raises:
            UsageError: they make no sense together.
        """
        self._format = None if request.format is None else request.format.lower()
        if self._format is not None and not _is_writable(self._format):
            raise UsageError(
                f"Cannot write {request.format!r}. --format takes {', '.join(supported_formats())}."
            )
        self._to_stdout = request.output == STDIO
        self._file: Path | None = None
        self._folder: Path | None = None
        if self._to_stdout:
            if num_outputs > 1 or folders:
                raise UsageError("-o - takes one input and one domain: a pipe holds one stream.")
        elif request.output is not None:
            if _names_a_file(request.output):
                self._file = self._check_file(Path(request.output), num_outputs, folders)
            else:
                self._folder = Path(request.output)

    def output(
        self, source: Path | None, relative: Path, player: Player
    ) -> tuple[Path | None, str | None]:
        """The path of one output (None: standard output) and its format.

        Args:
            source: the input; None for standard input.
            relative: folder of the input inside the folder that was named.
            player: what plays it.

        Raises:
            UsageError: standard input, and no `-o`.
        """
        if self._to_stdout:
            return None, self._format or DEFAULT_FORMAT
        if self._file is not None:
            return self._file, self._format
        if source is None and self._folder is None:
            raise UsageError("Standard input has no name: say -o FILE, or -o - for a pipe.")
        suffix = self._format or self._suffix_of(source)
        stem = source.stem if source else "stdin"
        name = f"{stem}-{player.file_name}.{suffix}"
        if self._folder is not None:
            return self._folder / relative / name, self._format
        assert source is not None
        return source.parent / name, self._format

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
