"""A whole system in one TOML file: its domains, its networks, and how they are taught.

    version = 1
    family = "wavenet"

    [domains]
    piano = "music/piano"          # audio, or what `umt prepare` made of it
    strings = "music/strings"

    [run]
    steps = 100_000

Tables that are left out have the defaults of their dataclasses; folders are relative to the
file.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from umt_trainer.config import HearingConfig, RunConfig
from umt_trainer.confusion import ConfusionConfig
from umt_trainer.spans import FROM_0, FROM_1, POSITIVE_FINITE, check
from umtcli.catalog import NAME
from umtcli.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

VERSION = 1
_HERE = Path(__file__).parent
# beside this file in a wheel, beside its package in the repository
RECIPES = next(p for p in (_HERE / "recipes", _HERE.parent / "recipes") if p.is_dir())
"""The recipes that come with umt: one for each published setup, and smaller ones."""

Config = TypeVar("Config", bound="DataclassInstance")
Table = Mapping[str, Any]


@dataclass(frozen=True)
class WatchConfig:
    """How closely a run is watched; nothing of it bears on what is learned."""

    log_every_steps: Annotated[int, FROM_1] = 10
    """Steps between lines of the log."""
    validate_every_steps: Annotated[int, FROM_1] = 1000
    """Steps between looks at held-out music; the best network by these is kept."""
    validation_examples: Annotated[int, FROM_1] = 32
    """Of each domain."""
    preview_every_validations: Annotated[int, FROM_0] = 0
    """Looks between previews of every domain by every decoder; 0 for none."""
    preview_s: Annotated[float, POSITIVE_FINITE] = 4.0
    """Length of a preview (s)."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class HardwareConfig:
    """What a run is computed on; it bears on rounding alone."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto takes a GPU where there is one."""
    compile: bool = False
    """Whether torch.compile is to make the networks faster; it needs `workers = 1`."""
    timeout_s: Annotated[float, POSITIVE_FINITE] = 600.0
    """How long one process waits for the others before it gives the run up."""

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Recipe:
    """All that `umt train --config` is told."""

    family: str
    """The architecture, by its name."""
    run: RunConfig
    """The loop's settings; `steps` has no default."""
    domains: Mapping[str, Path] = field(default_factory=dict)
    """By name: a folder of audio, or one that `umt prepare` made."""
    encoder: Table = field(default_factory=dict)
    """Sizes of the encoder, as its family has them."""
    decoder: Table = field(default_factory=dict)
    """Sizes of every decoder."""
    decoders: Mapping[str, Table] = field(default_factory=dict)
    """By domain: what its decoder has instead."""
    confusion: ConfusionConfig = field(default_factory=ConfusionConfig)
    hearing: HearingConfig = field(default_factory=HearingConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    distorted: bool = True
    """Whether the encoder hears the music through its family's distortions."""
    distortion: Table = field(default_factory=dict)
    """How these are to be, as the family has them."""
    background: str = ""
    """A folder of sounds without notes, such as drums, that may be mixed into what is heard."""
    begin: str = ""
    """A folder of bundles, as an earlier run left them, whose weights the networks begin with.
    It is looked at whenever the run is begun or gone on with."""
    space: str = "trained/1"
    """Name of the latent space, for people; the fingerprint is what counts."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """licence, author, data, …: what the bundles say of themselves."""
    version: Literal[1] = 1
    """Of this format."""

    def __post_init__(self) -> None:
        check(self)
        if self.hardware.compile and self.run.workers > 1:
            raise UsageError(f"compile needs workers = 1 in [run]; it is {self.run.workers}.")


_TABLES: Mapping[str, type[DataclassInstance]] = {
    "run": RunConfig,
    "confusion": ConfusionConfig,
    "hearing": HearingConfig,
    "watch": WatchConfig,
    "hardware": HardwareConfig,
}


def read_recipe(path: Path, domains: Mapping[str, Path] | None = None) -> Recipe:
    """Read a recipe.

    Args:
        path: the TOML file, or the name of a recipe that comes with umt.
        domains: instead of those in the file, if any are given.

    Raises:
        UsageError: the file is missing, no TOML or for another version, or it has a key or
            a value that makes no sense: named, with what is allowed.
    """
    path = _find(path)
    values = _read_toml(path)
    version = values.get("version", VERSION)
    if version != VERSION:
        raise UsageError(
            f"{path} is a recipe of version {version}, this umt reads {VERSION}. "
            "Update the older of the two."
        )
    try:
        for name, kind in _TABLES.items():
            values[name] = _build(kind, values.get(name, {}), f"[{name}]")
        own = {name: path.parent / folder for name, folder in _texts(values, "domains").items()}
        values["domains"] = dict(domains) if domains else own
        for name in ("background", "begin"):
            if values.get(name) and isinstance(values[name], str):
                values[name] = str(path.parent / values[name])
        values["provenance"] = _texts(values, "provenance")
        recipe = _build(Recipe, values, "the top level")
        _check_domains(recipe)
    except UsageError as e:
        raise UsageError(f"{path}: {e}") from e
    return recipe


def _find(path: Path) -> Path:
    """The file, if there is one, or what comes with umt by that name."""
    own = {recipe.stem: recipe for recipe in sorted(RECIPES.glob("*.toml"))}
    # a folder of that name may be what an earlier run made of it
    if path.is_file() or path.suffix:
        return path
    if str(path) not in own:
        raise UsageError(
            f"There is no recipe {path}: no such file, and none that comes with umt, which are "
            f"{', '.join(own)}."
        )
    return own[str(path)]


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise UsageError(f"Cannot read the recipe {path}: {e.strerror}.") from e
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise UsageError(f"{path} is no TOML: {e}.") from e


def _build(kind: type[Config], values: Any, where: str) -> Config:
    """A dataclass from a table.

    Raises:
        UsageError: naming a key that is unknown or lacking, or a value out of its span.
    """
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} is {values!r}; it must be a table.")
    known = {f.name: f for f in fields(kind)}
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(known)}."
            raise UsageError(f"{where} has no setting {key!r}. {hint}")
    for name, f in known.items():
        if name not in values and f.default is MISSING and f.default_factory is MISSING:
            raise UsageError(f"{where} lacks {name}, which has no default.")
    try:
        return kind(**values)
    except UsageError as e:
        raise UsageError(f"in {where}, {e}") from e


def _texts(values: Table, name: str) -> dict[str, str]:
    table = values.get(name, {})
    if not isinstance(table, Mapping) or not all(isinstance(v, str) for v in table.values()):
        raise UsageError(f"[{name}] must be a table of texts.")
    return dict(table)


def _check_domains(recipe: Recipe) -> None:
    for name in recipe.domains:
        if not NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for a domain: use lower-case letters, digits and dashes."
            )
    for name in ("encoder", "decoder", "decoders", "distortion"):
        if not isinstance(getattr(recipe, name), Mapping):
            raise UsageError(f"[{name}] must be a table.")
    for name, sizes in recipe.decoders.items():
        if name not in recipe.domains:
            raise UsageError(f"[decoders.{name}] is for no domain: [domains] has no {name}.")
        if not isinstance(sizes, Mapping):
            raise UsageError(f"[decoders.{name}] must be a table.")
