"""Options of `umt convert` for many files, and how their texts are read."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from umtcli.cli.options import AGAIN, BATCH, MACHINE, OUTPUTS
from umtcli.errors import UsageError

if TYPE_CHECKING:
    from umtcli.pipeline.jobs import Shard

FilesFrom = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="More inputs, from a file or - for standard input: one a line, or NUL-separated.",
        rich_help_panel=BATCH,
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Of files in folders only these: a name or a path in the folder, with * and ?.",
        rich_help_panel=BATCH,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Leave out these files and folders.",
        rich_help_panel=BATCH,
    ),
]
ShardText = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Do only the I-th of N shares of the inputs; each machine takes another I.",
        rich_help_panel=BATCH,
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Print what would be made; do nothing.", rich_help_panel=BATCH),
]
Name = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="How outputs are called; may hold folders. Default: `{stem}-{domain}.{ext}`. "
        "`{name}` is the input's name with its suffix.",
        rich_help_panel=OUTPUTS,
    ),
]
Flat = Annotated[
    bool,
    typer.Option(
        "--flat", help="All outputs in one folder, not in a tree.", rich_help_panel=OUTPUTS
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="Read the outputs that are done already, to see that nothing changed them.",
        rich_help_panel=AGAIN,
    ),
]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Only what failed when last tried.", rich_help_panel=AGAIN),
]
Devices = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="DEVICE[,DEVICE…]",
        help="auto, cpu, cuda or cuda:N; several, as cuda:0,cuda:1, share the files.",
        rich_help_panel=MACHINE,
    ),
]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        metavar="ADDRESS",
        help="Let a Ray cluster do it: auto, or ray://HOST:PORT. Needs `umtcli[ray]`.",
        show_default=False,
        rich_help_panel=MACHINE,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        help="Give up a file after so many seconds of work, and go on with the next.",
        rich_help_panel=MACHINE,
    ),
]
MaxDuration = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        help="Refuse inputs with more than so many seconds of audio.",
        rich_help_panel=MACHINE,
    ),
]


def read_list(files_from: str | None) -> list[str]:
    """The inputs that a list names.

    Args:
        files_from: a file, or `-` for standard input; None: there is no list.

    Raises:
        UsageError: it cannot be read, or names nothing.
    """
    if files_from is None:
        return []
    try:
        data = sys.stdin.buffer.read() if files_from == "-" else Path(files_from).read_bytes()
    except OSError as e:
        raise UsageError(f"Cannot read the list {files_from}: {e.strerror}.") from e
    names = split_list(data)
    if not names:
        raise UsageError(f"The list {files_from} names no files.")
    return names


def split_list(data: bytes) -> list[str]:
    r"""The names in a list: NUL-separated as `find -print0` writes them, else one a line.

    >>> split_list(b"a b.wav\r\n\n-\n")
    ['a b.wav', './-']
    >>> split_list(b"two\nlines.wav\0b.wav\0")
    ['two\nlines.wav', 'b.wav']
    """
    if b"\0" in data:
        names = data.split(b"\0")
    else:
        names = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    # what is in a list is a file, never standard input
    return ["./-" if name == b"-" else os.fsdecode(name) for name in names if name]


def parse_shard(text: str | None) -> Shard | None:
    """Read what was given as `--shard I/N`.

    Raises:
        UsageError: it is no such text.
    """
    if text is None:
        return None
    from umtcli.pipeline.jobs import Shard

    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if match is None:
        raise UsageError(f"--shard takes I/N, such as 3/8, not {text!r}.")
    return Shard(int(match[1]), int(match[2]))
