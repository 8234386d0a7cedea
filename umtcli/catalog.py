"""The catalog: what the working plugins offer, ready to be looked up."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from umtcli.bundle import BundleInfo, read_info
from umtcli.config import umt_home
from umtcli.domain import Domain, Family, Option
from umtcli.errors import PluginError, SpaceMismatch, UnknownDomain, UsageError
from umtcli.plugins import PluginInfo, PluginManager, installed_entry_points, make_plugin_manager

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True)
class Catalog:
    """Families, encoders and domains of all plugins that keep the contract."""

    families: Mapping[str, Family]
    """By name."""
    encoders: Mapping[str, BundleInfo]
    """By fingerprint."""
    domains: tuple[Domain, ...]
    """In the order of discovery; names may clash between packages."""
    plugins: tuple[PluginInfo, ...]
    """All that were found, with the reason where one is off."""

    @classmethod
    def from_manager(cls, manager: PluginManager) -> Catalog:
        """Ask every plugin what it offers; switch off those that offer nonsense."""
        offers = _Offers()
        for name, _ in manager.list_name_plugin():
            with manager.isolating(name):
                package = manager.info(name).package
                offers = offers.joined_by(_ask(manager, name, package), package)
        return cls(
            families=offers.families,
            encoders=offers.encoders,
            domains=offers.domains,
            plugins=manager.infos,
        )

    def domain(self, name: str) -> Domain:
        """Find a domain by `name`, or by `package:name` where names clash.

        Raises:
            UnknownDomain: none has this name; carries the nearest as suggestions.
            UsageError: several packages have it.
        """
        package, _, plain = name.rpartition(":")
        found = [
            domain
            for domain in self.domains
            if domain.name == plain and package in ("", domain.package)
        ]
        if not found:
            raise self._unknown(name)
        if len(found) > 1:
            candidates = " or ".join(f"{domain.package}:{domain.name}" for domain in found)
            raise UsageError(f"Several packages have a domain {plain}: say {candidates}.")
        return found[0]

    def family(self, domain: Domain) -> Family:
        """The architecture that plays a domain.

        Raises:
            PluginError: no working plugin brings it.
        """
        if domain.family not in self.families:
            raise PluginError(
                f"{domain.name} needs the family {domain.family}, which no working plugin "
                "brings. `umt plugins` shows what is installed."
            )
        return self.families[domain.family]

    def encoder_for(self, domain: Domain) -> Path:
        """The bundle of the encoder that a domain was trained on.

        Raises:
            SpaceMismatch: it is not installed; names its fingerprint and those that are.
        """
        encoder = self.encoders.get(domain.space.fingerprint)
        if encoder is None:
            spaces = ", ".join(str(info.space) for info in self.encoders.values()) or "none"
            raise SpaceMismatch(
                f"{domain.name} was trained on the latent space {domain.space}, but the "
                f"installed encoders emit: {spaces}. Install the encoder it was trained on, "
                "or train the domain again."
            )
        return encoder.path

    def _unknown(self, name: str) -> UnknownDomain:
        names = {domain.name for domain in self.domains}
        names |= {f"{domain.package}:{domain.name}" for domain in self.domains}
        near = tuple(difflib.get_close_matches(name.lower(), sorted(names), n=3))
        if not names:
            hint = "No domain is installed: `umt plugins` may say why."
        elif near:
            hint = f"Did you mean {' or '.join(near)}?"
        else:
            hint = "`umt domains` lists what can be played."
        return UnknownDomain(f"There is no domain {name!r}. {hint}", near)


def installed_catalog() -> Catalog:
    """The catalog of everything installed for this Python and this user."""
    return Catalog.from_manager(make_plugin_manager(installed_entry_points(), umt_home()))


@dataclass(frozen=True)
class _Offers:
    """What plugins have offered so far; a plugin's offers join whole or not at all."""

    families: Mapping[str, Family] = field(default_factory=dict)
    encoders: Mapping[str, BundleInfo] = field(default_factory=dict)
    domains: tuple[Domain, ...] = ()

    def joined_by(self, new: _Offers, package: str) -> _Offers:
        for name in new.families:
            if name in self.families:
                raise PluginError(f"another plugin has the family {name} already")
        taken = {domain.name for domain in self.domains if domain.package == package}
        for domain in new.domains:
            if domain.name in taken:
                raise PluginError(f"{package} has a domain {domain.name} already")
        return _Offers(
            families={**self.families, **new.families},
            # equal fingerprints are the same encoder: the first path will do
            encoders={**new.encoders, **self.encoders},
            domains=(*self.domains, *new.domains),
        )


def _ask(manager: PluginManager, name: str, package: str) -> _Offers:
    """Everything that one plugin offers, checked.

    Raises:
        PluginError: it returns something else than the hook asks for.
        BundleError: one of its bundles cannot be read.
    """
    families: dict[str, Family] = {}
    for family in _items(manager, name, "umt_families"):
        _check_family(family)
        if family.name in families:
            raise PluginError(f"it registers the family {family.name} twice")
        families[family.name] = family
    encoders = [_encoder(path) for path in _items(manager, name, "umt_encoders")]
    domains = [_domain(item, package) for item in _items(manager, name, "umt_domains")]
    if len({domain.name for domain in domains}) < len(domains):
        raise PluginError("it registers two domains of one name")
    return _Offers(families, {info.space.fingerprint: info for info in encoders}, tuple(domains))


def _items(manager: PluginManager, name: str, hook: str) -> list[Any]:
    if hook not in manager.info(name).hooks:
        return []
    result = manager.call(name, hook)
    if isinstance(result, (str, bytes)) or not isinstance(result, Iterable):
        raise PluginError(f"{hook} returned a {type(result).__name__}, not a list")
    return list(result)


def _check_family(family: Any) -> None:
    for method in ("load_encoder", "load_decoder", "learning"):
        if isinstance(family, type) or not callable(getattr(family, method, None)):
            raise PluginError(f"umt_families returned {family!r}, which cannot {method}")
    _check_name(family.name, "family")
    options = family.options
    if not isinstance(options, tuple) or not all(isinstance(o, Option) for o in options):
        raise PluginError(f"the options of the family {family.name} are no tuple of Option")


def _encoder(path: Any) -> BundleInfo:
    if not isinstance(path, Path):
        raise PluginError(f"umt_encoders returned a {type(path).__name__}, not a Path")
    return read_info(path, kind="encoder")


def _domain(domain: Any, package: str) -> Domain:
    if not isinstance(domain, Domain):
        raise PluginError(f"umt_domains returned a {type(domain).__name__}, not a Domain")
    _check_name(domain.name, "domain")
    if read_info(domain.decoder, kind="decoder").space != domain.space:
        raise PluginError(f"the domain {domain.name} claims another space than its bundle")
    return replace(domain, package=package)


def _check_name(name: Any, what: str) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise PluginError(
            f"{name!r} is no name for a {what}: use lower-case letters, digits and dashes"
        )
