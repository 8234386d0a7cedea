"""`umt import-fair`: the authors' published models, as domains of the user."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from umtcli import console
from umtcli.config import umt_home


class Which(str, Enum):
    """Which of the authors' two files of each domain."""

    best = "best"
    last = "last"

    def __str__(self) -> str:
        return self.value


def import_fair(
    zip_path: Annotated[
        Path, typer.Argument(metavar="ZIP", help="The authors' pretrained_musicnet.zip.")
    ],
    which: Annotated[
        Which, typer.Option(metavar="STATE", help="Of their training: best or last.")
    ] = Which.best,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace domains of the same names.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a domain.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Tell the licence alone.")] = False,
) -> None:
    """Install the six MusicNet models that the paper's authors published.

    Download `pretrained_musicnet.zip` from https://github.com/facebookresearch/music-translation
    yourself: its licence, CC BY-NC 4.0, allows no commercial use.
    """
    from umt_domains.wavenet.import_fair import LICENCE
    from umt_domains.wavenet.import_fair import import_fair as install

    infos = install(zip_path, umt_home(), which.value, overwrite=overwrite)
    # whoever is given the models must be told, even who wants to hear nothing
    console.say(
        f"These models are the paper's authors', licensed {LICENCE}: not for commercial use. "
        "https://creativecommons.org/licenses/by-nc/4.0/"
    )
    if json:
        for info in infos:
            console.print_json(
                {
                    "domain": info.name,
                    "path": str(info.path),
                    "licence": info.provenance["licence"],
                    "fingerprint": info.space.fingerprint,
                }
            )
    elif not quiet:
        console.print_table(
            ("domain", "licence", "description"),
            ((i.name, i.provenance["licence"], i.provenance["description"]) for i in infos),
        )
