"""`umt check`: the conformance kit on one domain."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from umtcli import console
from umtcli.catalog import Catalog


def check(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The domain to check.")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check that a domain keeps the contract: for authors of domains and families."""
    from umtcli.pipeline.check import check_domain
    from umtcli.pipeline.device import resolve_device

    catalog = Catalog.from_manager(ctx.obj)
    results = check_domain(catalog, catalog.domain(name), resolve_device(device))
    if json:
        for result in results:
            console.print_json(asdict(result))
    else:
        console.print_table(
            ("check", "result", "reason"),
            (
                (result.name, "passed" if result.passed else "FAILED", result.reason)
                for result in results
            ),
        )
    if not all(result.passed for result in results):
        raise typer.Exit(1)
