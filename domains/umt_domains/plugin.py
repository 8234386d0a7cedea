"""Registers the first-party families and the domains that ship with umt."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from umt_domains.harmonic import HarmonicFamily
from umt_domains.wavenet import WavenetFamily
from umtcli import Domain, hookimpl

if TYPE_CHECKING:
    import typer

WEIGHTS = Path(__file__).parent / "weights"


@hookimpl
def umt_families() -> list[HarmonicFamily | WavenetFamily]:
    """The families of this package."""
    return [HarmonicFamily(), WavenetFamily()]


@hookimpl
def umt_encoders() -> Iterable[Path]:
    """The bundled encoders, older ones included."""
    return sorted((WEIGHTS / "encoders").glob("*.safetensors"))


@hookimpl
def umt_domains() -> list[Domain]:
    """The bundled domains."""
    paths = sorted(WEIGHTS.glob("*.safetensors"), key=lambda path: path.stem)
    return [Domain.from_bundle(path) for path in paths]


@hookimpl
def umt_commands(app: typer.Typer) -> None:
    """`umt import-fair`."""
    from umt_domains.wavenet.commands import import_fair

    app.command("import-fair")(import_fair)
