"""What reaches the terminal: results on stdout, everything else on stderr.

File names and tags come from anywhere, so text is printed with its control characters
escaped and never read as markup: no name can move the cursor, recolour the screen or
spoof a message.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories: control, format (e.g. right-to-left overrides), lone surrogates from
undecodable file names, line and paragraph separators."""
_PIPE_WIDTH = 10_000
"""A table that is piped is not wrapped: one row, one line."""


def safe(text: str) -> str:
    r"""Escape all that a terminal would act upon rather than show.

    >>> safe("a\x1b[31mb\n.wav")
    'a\\x1b[31mb\\n.wav'
    """
    return "".join(
        c.encode("unicode_escape").decode() if unicodedata.category(c) in _UNPRINTABLE else c
        for c in text
    )


class StdoutClosed(BaseException):
    """The program that reads our results has ended, as `head` does: no failure of an input."""


class _Results(Console):
    def on_broken_pipe(self) -> None:
        forget_stdout()
        raise StdoutClosed


def never_fail_to_encode() -> None:
    """Escape what standard output's encoding lacks, as Python does on standard error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def forget_stdout() -> None:
    """Send what is left in standard output's buffer nowhere, so that Python can end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stdout_console() -> Console:
    """The console for results; raises `StdoutClosed` if nobody reads them."""
    console = _Results(highlight=False, emoji=False)
    return (
        console
        if console.is_terminal
        else _Results(highlight=False, emoji=False, width=_PIPE_WIDTH)
    )


def stderr_console() -> Console:
    """The console for progress and messages."""
    return Console(stderr=True, highlight=False, emoji=False)


def say(message: str) -> None:
    """Print a message as one line on stderr."""
    stderr_console().print(Text(safe(message)), soft_wrap=True)


def complain(message: str) -> None:
    """Print what went wrong as one line on stderr."""
    text = Text.assemble(("Error: ", "bold red"), safe(message))
    stderr_console().print(text, soft_wrap=True)


def print_result(text: str = "") -> None:
    """Print one line of a result on stdout."""
    stdout_console().print(Text(safe(text)), soft_wrap=True)


def print_json(value: Mapping[str, Any], *, stderr: bool = False) -> None:
    """Print one JSON object as one line, on stdout unless stdout carries audio."""
    console = stderr_console() if stderr else stdout_console()
    # ASCII only: a reader in any encoding gets every name back
    console.print(Text(json.dumps(value)), soft_wrap=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on stdout."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    stdout_console().print(table)


def print_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Print names and their values, one pair a line, on stdout."""
    table = Table.grid("name", "value", padding=(0, 2))
    for name, value in fields:
        table.add_row(Text(safe(name), "bold"), Text(safe(value)))
    stdout_console().print(table)


def restart(bars: Progress) -> None:
    """Start bars again below what was printed since they were stopped.

    Of itself, rich would first erase as many lines as the bars had when they were stopped:
    now others stand there.
    """
    bars.live = Live(
        console=bars.console,
        refresh_per_second=bars.live.refresh_per_second,
        transient=True,
        get_renderable=bars.get_renderable,
    )
    bars.start()


def make_progress(*, quiet: bool = False) -> Progress:
    """A progress bar on stderr; give its tasks descriptions that went through `safe`."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr_console(),
        transient=True,
        disable=quiet,
    )
