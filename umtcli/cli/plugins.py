"""`umt plugins`: what is installed, and why a broken one is off."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from umtcli import console
from umtcli.catalog import Catalog


def plugins(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the installed plugins, their hooks, and why a broken one is off."""
    infos = Catalog.from_manager(ctx.obj).plugins
    if json:
        for info in infos:
            console.print_json(asdict(info))
        return
    console.print_table(
        ("plugin", "package", "version", "hooks", "state"),
        (
            (
                info.name,
                info.package,
                info.version,
                ", ".join(hook.removeprefix("umt_") for hook in info.hooks),
                f"off: {info.off_because}" if info.off_because else "on",
            )
            for info in infos
        ),
    )
