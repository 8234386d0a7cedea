"""What the trainer's commands have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from umtcli import console
from umtcli.catalog import Catalog
from umtcli.domain import Family
from umtcli.errors import UsageError

DEFAULT_FAMILY = "harmonic"

FamilyName = Annotated[
    str, typer.Option("--family", metavar="NAME", help="The architecture that is to learn.")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Files read at once. Default: one for each core.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line for each result.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only errors.")]


def find_family(catalog: Catalog, name: str) -> Family:
    """The architecture of a name.

    Raises:
        UsageError: no working plugin brings it.
    """
    if name not in catalog.families:
        known = ", ".join(sorted(catalog.families)) or "none"
        raise UsageError(f"There is no family {name!r}. Installed: {known}.")
    return catalog.families[name]


@contextmanager
def progress_of_files(
    what: str, num_files: int, *, quiet: bool
) -> Iterator[Callable[[float, int], None]]:
    """A bar on stderr that counts files, and the hours of audio that were read."""
    with console.make_progress(quiet=quiet or not sys.stderr.isatty()) as bars:
        task = bars.add_task(console.safe(what), total=num_files)
        seconds_done = 0.0

        def report(seconds: float, num_done: int) -> None:
            nonlocal seconds_done
            seconds_done += seconds
            minutes = f"{what}: {seconds_done / 60:.1f} minutes"
            bars.update(task, advance=num_done, description=console.safe(minutes))

        yield report
