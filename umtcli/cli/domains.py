"""`umt domains`: what can be played."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from umtcli import console
from umtcli.catalog import Catalog
from umtcli.domain import Domain, Option


def domains(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Show all about one domain."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List the domains that can be played, or show all about one."""
    catalog = Catalog.from_manager(ctx.obj)
    shown = catalog.domains if name is None else (catalog.domain(name),)
    if json:
        for domain in shown:
            console.print_json(_as_json(domain, catalog))
    elif name is None:
        _print_list(shown)
    else:
        console.print_fields(_fields(shown[0], catalog))


def _print_list(shown: tuple[Domain, ...]) -> None:
    if not shown:
        console.say("No domain is installed; `umt plugins` may say why.")
        return
    console.print_table(
        ("domain", "description", "package", "licence", "rate", "size"),
        (
            (
                domain.name,
                domain.description,
                domain.package,
                domain.licence,
                f"{domain.sample_rate} Hz",
                _megabytes(domain),
            )
            for domain in shown
        ),
    )


def _fields(domain: Domain, catalog: Catalog) -> Iterator[tuple[str, str]]:
    yield "domain", domain.name
    yield "description", domain.description
    yield "package", domain.package
    yield "family", domain.family
    yield "licence", domain.licence
    yield "rate", f"{domain.sample_rate} Hz"
    yield "latent space", f"{domain.space}, {_encoder(domain, catalog)}"
    yield "decoder", f"{domain.decoder} ({_megabytes(domain)})"
    for key, text in domain.provenance.items():
        if key not in ("licence", "description"):
            yield key, text
    for option in _options(domain, catalog):
        text = f"{option.default} ({option.range})" if option.range else str(option.default)
        yield f"--set {option.name}=", f"{text}  {option.help}".rstrip()


def _as_json(domain: Domain, catalog: Catalog) -> dict[str, Any]:
    return {
        "name": domain.name,
        "description": domain.description,
        "package": domain.package,
        "family": domain.family,
        "licence": domain.licence,
        "sample_rate": domain.sample_rate,
        "size_bytes": domain.decoder.stat().st_size,
        "decoder": str(domain.decoder),
        "space": {
            "name": domain.space.name,
            "fingerprint": domain.space.fingerprint,
            "installed": domain.space.fingerprint in catalog.encoders,
        },
        "provenance": dict(domain.provenance),
        "options": [
            {
                "name": option.name,
                "type": type(option.default).__name__,
                "default": option.default,
                "minimum": option.minimum,
                "maximum": option.maximum,
                "unit": option.unit,
                "help": option.help,
            }
            for option in _options(domain, catalog)
        ],
    }


def _options(domain: Domain, catalog: Catalog) -> tuple[Option, ...]:
    # a domain whose family is missing can still be looked at
    family = catalog.families.get(domain.family)
    return () if family is None else family.options


def _encoder(domain: Domain, catalog: Catalog) -> str:
    known = domain.space.fingerprint in catalog.encoders
    return "encoder installed" if known else "encoder NOT installed"


def _megabytes(domain: Domain) -> str:
    return f"{domain.decoder.stat().st_size / 1e6:.1f} MB"
