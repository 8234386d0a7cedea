"""`umt package`: a plugin project of an instrument, ready for pip."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from umt_trainer.commands.options import Json
from umtcli import console
from umtcli.catalog import Catalog
from umtcli.domain import Domain
from umtcli.errors import UsageError
from umtcli.plugins import USER_PACKAGE


def package(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="An instrument of yours.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="The project's folder. Default: umt-NAME, here.",
        ),
    ] = None,
    licence: Annotated[
        str,
        typer.Option(help="Of the sound, e.g. CC-BY-4.0. Asked for if missing."),
    ] = "",
    author: Annotated[str, typer.Option(help="Who made it. Asked for if missing.")] = "",
    description: Annotated[
        str, typer.Option(help="In a few words. Default: as it was trained.")
    ] = "",
    version: Annotated[str, typer.Option(help="Of the package.")] = "1.0.0",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a project that is there.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a pip-installable package of an instrument: code, weights, licence and a test.

    The project needs nothing else: `pip install FOLDER`, or build it and upload it to an
    index. The encoder comes with it unless a package that it depends on brings it.
    """
    from umt_trainer.package import Project, origin_of, write_project
    from umt_trainer.package.project import described

    catalog = Catalog.from_manager(ctx.obj)
    domain = _own(catalog, name)
    given = {
        "licence": licence or _asked(domain, "licence", "--licence CC-BY-4.0"),
        "author": author or _asked(domain, "author", "--author 'Your Name'"),
        "description": description,
    }
    project = Project(described(domain, given), version)
    origin = origin_of(ctx.obj, catalog, domain)
    folder = write_project(project, origin, output or Path(project.name), overwrite=overwrite)
    if json:
        console.print_json(
            {
                "domain": domain.name,
                "project": str(folder),
                "package": project.name,
                "version": version,
                "requires": list(origin.requirements),
                "with_encoder": origin.encoder is not None,
            }
        )
        return
    console.print_result(str(folder))
    # a name without a slash would be looked up in an index
    path = folder if folder.is_absolute() else f".{os.sep}{folder}"
    console.say(
        f"Install it: pip install {path}. Your own {domain.name} stays beside it, as "
        f"{USER_PACKAGE}:{domain.name}."
    )


def _own(catalog: Catalog, name: str) -> Domain:
    """The user's instrument of a name, whatever packages call theirs.

    Raises:
        UsageError: the user has none.
    """
    plain = name.removeprefix(f"{USER_PACKAGE}:")
    own = {domain.name: domain for domain in catalog.domains if domain.package == USER_PACKAGE}
    if plain not in own:
        known = ", ".join(sorted(own)) or "none; `umt train` makes them"
        raise UsageError(f"You have no instrument {plain!r}. Yours are: {known}.")
    return own[plain]


def _asked(domain: Domain, what: str, flag: str) -> str:
    """What the bundle says, else what the user types; a sound of unknown rights is not packed.

    Raises:
        UsageError: nobody is there to be asked.
    """
    from umt_trainer.instrument import PRIVATE

    told = domain.provenance.get(what, "").strip()
    if told not in ("", "unknown", PRIVATE):
        return told
    answer = ""
    if sys.stdin.isatty():
        answer = str(typer.prompt(f"{what.capitalize()} of {domain.name}", err=True)).strip()
    if answer in ("", "unknown", PRIVATE):
        raise UsageError(f"Whoever installs {domain.name} must know its {what}: give {flag}.")
    return answer
