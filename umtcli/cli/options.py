"""Options that `umt convert` and `umt blend` share, and how their texts are read."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from umtcli.errors import OptionError, UsageError

SOUND, OUTPUTS, BATCH, AGAIN, MACHINE = (
    "What is played",
    "Outputs",
    "Many files",
    "Once more",
    "How it runs",
)
"""Panels of the help."""
To = Annotated[
    list[str],
    typer.Option(
        "--to",
        metavar="DOMAIN[,DOMAIN…]",
        rich_help_panel=SOUND,
        help="What to play it with; `umt domains` lists them. `'piano*0.7+strings*0.3'` mixes "
        "several into one output; without gains the shares are equal.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="An option of the domain; `umt domains NAME` lists them.",
        rich_help_panel=SOUND,
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="wav, flac, mp3, …  Default: by the name of -o, else as the input, else wav.",
        rich_help_panel=OUTPUTS,
    ),
]
Rate = Annotated[
    int | None,
    typer.Option(
        metavar="HZ",
        help="Sample rate of the outputs. Default: the domain's.",
        rich_help_panel=OUTPUTS,
    ),
]
Bits = Annotated[
    int,
    typer.Option(help="16 (dithered), 24 or 32 (float), for PCM.", rich_help_panel=OUTPUTS),
]
Seed = Annotated[
    int, typer.Option(help="The same seed gives the same music.", rich_help_panel=SOUND)
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.", rich_help_panel=MACHINE)]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=AGAIN)
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="One JSON object a line for each output; on stderr with -o -.",
        rich_help_panel=MACHINE,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress, only errors.", rich_help_panel=MACHINE),
]


def goes_to_stdout(output: str | None) -> bool:
    """Whether `-o` names standard output.

    Raises:
        UsageError: it does, and that is a terminal.
    """
    if output == "-" and sys.stdout.isatty():
        raise UsageError("-o - would fill the terminal with audio: pipe it into something.")
    return output == "-"


def parse_settings(texts: Iterable[str] | None) -> dict[str, str]:
    """Read what was given as `--set NAME=VALUE`; `-` in a name stands for `_`.

    Raises:
        OptionError: a text has no `=` or no name.

    >>> parse_settings(["brightness = 0.3", "top-p=0.9"])
    {'brightness': '0.3', 'top_p': '0.9'}
    """
    settings = {}
    for text in texts or ():
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise OptionError(f"--set takes NAME=VALUE, not {text!r}.")
        settings[name.strip().replace("-", "_")] = value.strip()
    return settings
