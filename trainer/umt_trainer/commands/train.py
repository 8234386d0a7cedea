"""`umt train`: a new instrument from recordings, or a whole system from a recipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TaskID

from umt_trainer.commands.options import DEFAULT_FAMILY, Json, Quiet, find_family
from umt_trainer.commands.prepare import tell_rejects
from umt_trainer.watching import Watcher
from umtcli import console
from umtcli.catalog import Catalog
from umtcli.config import umt_home
from umtcli.errors import UsageError

if TYPE_CHECKING:
    from umt_trainer.instrument import Instrument
    from umt_trainer.prepare import Manifest


def train(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=FOLDER…",
            help="New instruments and their recordings, of any format.",
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="TOML",
            help="Train a whole system as this recipe says, into the folder RECIPE.",
            show_default=False,
        ),
    ] = None,
    licence: Annotated[
        str, typer.Option(help="Of the instrument, for those you give it to.")
    ] = "private",
    author: Annotated[str, typer.Option(help="Who made it.", show_default=False)] = "",
    description: Annotated[str, typer.Option(help="In a few words.", show_default=False)] = "",
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Learn longer, or shorter, than usual.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn at random.")] = 1,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="FINGERPRINT",
            help="The encoder to learn on. Default: the newest one installed.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an instrument of yours of that name.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Teach umt a new instrument from recordings of it; `umt convert --to NAME` plays it then.

    Ten minutes of the instrument alone, over all of its range, are a good start. It learns on
    the CPU; after an interruption, the same command goes on where it stopped. With `--config`
    a whole system is trained instead: encoder, decoders and all.
    """
    if config is not None:
        from umt_trainer.prepare import parse_sources
        from umt_trainer.system import train_system  # type: ignore[import-not-found, unused-ignore]

        domains = {source.name: source.folder for source in parse_sources(sources or ())}
        out = config.with_suffix("")
        train_system(config, out=out, domains=domains or None, json=json, quiet=quiet)
        return
    from umt_trainer.instrument import SETTINGS, About, train_instrument
    from umt_trainer.naming import find_encoder, refuse_taken
    from umt_trainer.prepare import parse_sources
    from umtcli.pipeline.device import num_threads

    if not sources:
        raise UsageError("Say NAME=FOLDER, such as kazoo=recordings/, or --config RECIPE.")
    catalog, home = Catalog.from_manager(ctx.obj), umt_home()
    family = find_family(catalog, DEFAULT_FAMILY)
    encoder_path = find_encoder(catalog, family.name, encoder)
    named = parse_sources(sources)
    for source in named:
        refuse_taken(catalog, source.name, overwrite=overwrite)
    run = replace(SETTINGS.run, seed=seed, steps=steps or SETTINGS.run.steps, workers=num_threads())
    for source in named:
        with TrainProgress(quiet=quiet) as watcher:
            instrument = train_instrument(
                source,
                family,
                encoder_path,
                home,
                replace(SETTINGS, run=run),
                About(licence, author, description),
                watcher,
            )
        _tell(instrument, json=json, quiet=quiet)


class TrainProgress(Watcher):
    """Bars on stderr, one a stage, and messages between them."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Progress = console.make_progress(quiet=quiet or not sys.stderr.isatty())

    def __enter__(self) -> TrainProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def warn(self, message: str) -> None:
        """Something that the user should know."""
        if not self._quiet:
            console.say(f"Warning: {message}")

    def prepared(self, manifest: Manifest, folder: Path) -> None:
        """The recordings are prepared: name those that were left out."""
        tell_rejects(manifest, folder, quiet=self._quiet)

    def stage(self, name: str, total: float) -> Callable[[float], None]:
        """Begin a bar; the result moves it on."""
        task: TaskID = self._bars.add_task(console.safe(name), total=total)
        return lambda done: self._bars.advance(task, done)


def _tell(instrument: Instrument, *, json: bool, quiet: bool) -> None:
    info, manifest = instrument.info, instrument.manifest
    if json:
        console.print_json(
            {
                "domain": info.name,
                "path": str(info.path),
                "validation_loss": instrument.validation_loss,
                "recordings": len(manifest.records),
                "duration_s": manifest.duration_s,
                "left_out": [reject.source for reject in manifest.rejects],
            }
        )
        return
    console.print_result(str(info.path))
    if not quiet:
        console.say(
            f"Loss on held-out recordings: {instrument.validation_loss:.3f}. "
            f"Play it: umt convert song.mp3 --to {info.name}"
        )
