"""Plugins: found, loaded, and switched off where they break.

A manager comes from a pure factory, so that each test builds its own:

    manager = make_plugin_manager(installed_entry_points(), umt_home())

Plugins are the entry points of the group `umt`, and each bundle in the user's data
folder. One that cannot be imported, or does not keep to `umtcli.hookspecs`, is switched
off with a one-line reason; the others never notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pluggy

from umtcli import hookspecs
from umtcli.domain import Domain
from umtcli.errors import PluginError, UmtError
from umtcli.hookspecs import hookimpl

GROUP = "umt"
FIRST_PARTY = "umtcli"
USER_PACKAGE = "user"
"""The package that domains in the user's data folder belong to, as in `user:kazoo`."""


@dataclass(frozen=True)
class PluginInfo:
    """What `umt plugins` shows of a plugin."""

    name: str
    package: str
    """The distribution that brought it, or `user` for the user's own bundles."""
    version: str
    hooks: tuple[str, ...] = ()
    off_because: str = ""
    """Why it is switched off, in one line; empty while it works."""


@dataclass(frozen=True)
class UserEncoder:
    """One encoder bundle in the user's data folder, as a plugin of its own."""

    path: Path

    @hookimpl
    def umt_encoders(self) -> Iterable[Path]:
        """The bundle itself."""
        return [self.path]


@dataclass(frozen=True)
class UserDomain:
    """One decoder bundle in the user's data folder, as a plugin of its own."""

    path: Path

    @hookimpl
    def umt_domains(self) -> Iterable[Domain]:
        """The domain that the bundle describes."""
        return [Domain.from_bundle(self.path)]


class PluginManager(pluggy.PluginManager):
    """pluggy's manager, which also remembers packages and why a plugin is off."""

    def __init__(self) -> None:
        super().__init__(GROUP)
        self.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}

    @property
    def infos(self) -> tuple[PluginInfo, ...]:
        """Every plugin that was found, in the order of discovery, off or not."""
        return tuple(self._infos.values())

    def info(self, name: str) -> PluginInfo:
        """What is known of one plugin."""
        return self._infos[name]

    def add(self, plugin: object, name: str, package: str = "", version: str = "") -> None:
        """Register a plugin, or note why it cannot be.

        Args:
            plugin: a module or an object with `@hookimpl` functions.
            name: unique in this manager.
            package: what its domains belong to; the name if not given.
            version: of the package.
        """
        self._note(name, package, version)
        with self.isolating(name):
            self._adopt(plugin, name)

    def load(self, entry_point: EntryPoint) -> None:
        """Import and register the plugin of an entry point, or note why it cannot be."""
        package, version = _distribution(entry_point)
        name = f"{package}:{entry_point.name}" if package else entry_point.name
        self._note(name, package, version)
        with self.isolating(name):
            self._adopt(entry_point.load(), name)

    @contextmanager
    def isolating(self, name: str) -> Iterator[None]:
        """Switch the plugin off if anything goes wrong inside, and go on."""
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as e:
            # a plugin may even call sys.exit: that must not end the host
            if self.has_plugin(name):
                self.unregister(name=name)
            self._infos[name] = replace(self._infos[name], off_because=_reason(e))

    def call(self, name: str, hook: str, **arguments: Any) -> Any:
        """Call one plugin's implementation of a hook; None where it has none."""
        plugin = self.get_plugin(name)
        for implementation in getattr(self.hook, hook).get_hookimpls():
            if implementation.plugin is plugin:
                # as pluggy does: an implementation may take fewer arguments
                given = [arguments[argument] for argument in implementation.argnames]
                return implementation.function(*given)
        return None

    def _note(self, name: str, package: str, version: str) -> None:
        assert name not in self._infos, f"two plugins named {name}"
        self._infos[name] = PluginInfo(name, package or name, version)

    def _adopt(self, plugin: object, name: str) -> None:
        self.register(plugin, name)
        callers = self.get_hookcallers(plugin) or []
        if not callers:
            raise PluginError("it implements no hook; is @umtcli.hookimpl missing?")
        _check_hooks(plugin, callers)
        hooks = tuple(sorted(caller.name for caller in callers))
        self._infos[name] = replace(self._infos[name], hooks=hooks)


def make_plugin_manager(
    entry_points: Iterable[EntryPoint] = (), home: Path | None = None
) -> PluginManager:
    """Build a manager with exactly these plugins.

    Args:
        entry_points: loaded in this order; see `installed_entry_points`.
        home: a data folder whose bundles become plugins; see `umtcli.config.umt_home`.
    """
    manager = PluginManager()
    for entry_point in entry_points:
        manager.load(entry_point)
    if home is not None:
        for kind, plugin_class in (("encoders", UserEncoder), ("domains", UserDomain)):
            for path in sorted((home / kind).glob("*.safetensors")):
                manager.add(plugin_class(path), f"{kind}/{path.name}", USER_PACKAGE)
    return manager


def installed_entry_points() -> list[EntryPoint]:
    """The entry points of the group `umt`, umt's own first, the rest by name.

    The order decides who keeps a family's name when two plugins claim it.
    """
    return sorted(
        entry_points(group=GROUP),
        key=lambda e: (_distribution(e)[0] != FIRST_PARTY, _distribution(e), e.name),
    )


def _distribution(entry_point: EntryPoint) -> tuple[str, str]:
    if entry_point.dist is None:
        return "", ""
    return entry_point.dist.name, entry_point.dist.version


def _check_hooks(plugin: object, callers: Iterable[pluggy.HookCaller]) -> None:
    for caller in callers:
        if not caller.has_spec():
            raise PluginError(f"it implements {caller.name}, which is no hook of this umt")
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin and (
                implementation.wrapper or implementation.hookwrapper
            ):
                raise PluginError(f"it wraps {caller.name}; umt takes plain hooks only")


def _reason(error: BaseException) -> str:
    # pluggy prefixes its own errors with names and tracebacks; the last line says it
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(lines)
    text = lines[0] if lines else ""
    if isinstance(error, UmtError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
