"""The whole plugin API, on one screen.

Publish a package with an entry point in the group `umt`:

    [project.entry-points.umt]
    kazoo = "umt_kazoo"

and implement any of these in the module it names, each marked `@umtcli.hookimpl`.
A plugin that fails to import, or returns something else than is asked for here, is
switched off with a one-line reason (`umt plugins`); everything else goes on working.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import typer

    from umtcli.domain import Domain, Family

hookspec = pluggy.HookspecMarker("umt")
hookimpl = pluggy.HookimplMarker("umt")

# nothing calls a specification, only its signature counts: see empty-body in pyproject.toml


@hookspec
def umt_families() -> Iterable[Family]:
    """Architectures: how encoders and decoders are built, run and trained."""


@hookspec
def umt_encoders() -> Iterable[Path]:
    """Encoder bundles. Domains find theirs by its fingerprint."""


@hookspec
def umt_domains() -> Iterable[Domain]:
    """Domains that can be played, usually `Domain.from_bundle(path)` for each bundle."""


@hookspec
def umt_commands(app: typer.Typer) -> None:
    """Add commands to the `umt` command line. Import torch inside them, not before."""


@hookspec
def umt_measure(source: Path, output: Path) -> Mapping[str, float]:
    """What `umt convert --score` tells of an output beside its input, by name."""
