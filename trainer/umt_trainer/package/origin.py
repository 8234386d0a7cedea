"""What a domain needs besides its own bundle, and which packages bring it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from umtcli.bundle import read_info
from umtcli.catalog import Catalog
from umtcli.domain import Domain
from umtcli.plugins import FIRST_PARTY, USER_PACKAGE, PluginManager


@dataclass(frozen=True)
class Origin:
    """Where a domain's encoder and family come from."""

    encoder: Path | None
    """The encoder's bundle, if no package brings it: then the domain's own must."""
    requirements: tuple[str, ...]
    """Packages that bring the rest, umtcli first, each with the version that is here."""


def origin_of(manager: PluginManager, catalog: Catalog, domain: Domain) -> Origin:
    """Find who brings the encoder and the family of a domain.

    Raises:
        SpaceMismatch: nobody brings the encoder.
        PluginError: nobody brings the family.
    """
    encoder, family = catalog.encoder_for(domain), catalog.family(domain)
    packages, brought = {FIRST_PARTY}, False
    for info in catalog.plugins:
        if info.off_because or info.package == USER_PACKAGE:
            continue
        if "umt_families" in info.hooks:
            families = manager.call(info.name, "umt_families")
            if any(f.name == family.name for f in families):
                packages.add(info.package)
        if "umt_encoders" in info.hooks and not brought:
            paths = manager.call(info.name, "umt_encoders")
            spaces = {read_info(path, kind="encoder").space for path in paths}
            if domain.space.fingerprint in {space.fingerprint for space in spaces}:
                packages.add(info.package)
                brought = True
    return Origin(None if brought else encoder, _requirements(catalog, packages))


def _requirements(catalog: Catalog, packages: set[str]) -> tuple[str, ...]:
    """`name>=version` of each package, umt's own first.

    Released encoders stay in their packages, so newer versions will do.
    """
    from umtcli import __version__

    versions = {info.package: info.version for info in catalog.plugins}
    versions[FIRST_PARTY] = __version__
    ordered = sorted(packages, key=lambda package: (package != FIRST_PARTY, package))
    return tuple(f"{p}>={versions[p]}" if versions[p] else p for p in ordered)
