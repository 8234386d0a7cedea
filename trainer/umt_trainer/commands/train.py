"""`umt train`: a new instrument from recordings, or a whole system from a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from umt_trainer.commands.options import DEFAULT_FAMILY, Json, Quiet, find_family
from umt_trainer.commands.progress import TrainProgress
from umtcli import console
from umtcli.bundle import read_info
from umtcli.catalog import Catalog
from umtcli.config import umt_home
from umtcli.errors import UsageError

if TYPE_CHECKING:
    from umt_trainer.instrument import Instrument

SYSTEM = "Whole systems"
"""The help panel of what goes with `--config`."""


def train(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME=FOLDER…",
            help="New instruments and their recordings, of any format.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="RECIPE",
            help="Train a whole system as this TOML file says, or a recipe that comes with umt; "
            "NAME=FOLDER replace its domains.",
            rich_help_panel=SYSTEM,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Where all of it goes. Default: the recipe's name without its suffix.",
            rich_help_panel=SYSTEM,
        ),
    ] = None,
    nproc: Annotated[
        int, typer.Option(min=1, help="Processes on each machine.", rich_help_panel=SYSTEM)
    ] = 1,
    nnodes: Annotated[int, typer.Option(min=1, help="Machines.", rich_help_panel=SYSTEM)] = 1,
    rdzv: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="Where the processes of several machines meet.",
            rich_help_panel=SYSTEM,
        ),
    ] = "",
    max_restarts: Annotated[
        int,
        typer.Option(
            min=0,
            help="How often to go on from the last checkpoint after a process was lost.",
            rich_help_panel=SYSTEM,
        ),
    ] = 0,
    licence: Annotated[
        str, typer.Option(help="Of the instrument, for those you give it to.")
    ] = "private",
    author: Annotated[str, typer.Option(help="Who made it.")] = "",
    description: Annotated[str, typer.Option(help="In a few words.")] = "",
    steps: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Learn longer, or shorter, than usual."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn at random.")] = 1,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="FINGERPRINT",
            help="The encoder to learn on. Default: the newest one installed.",
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
        from umt_trainer.system import train_system

        train_system(
            config,
            out=out or config.with_suffix(""),
            domains={source.name: source.folder for source in parse_sources(sources or ())} or None,
            nproc=nproc,
            nnodes=nnodes,
            rdzv=rdzv,
            max_restarts=max_restarts,
            json=json,
            quiet=quiet,
        )
        return
    if out or rdzv or (nproc, nnodes, max_restarts) != (1, 1, 0):
        raise UsageError("--out, --nproc, --nnodes, --rdzv and --max-restarts go with --config.")
    from umt_trainer.beginning import known_domains
    from umt_trainer.instrument import MOST_WORKERS, SETTINGS, About, train_instrument
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
    workers = min(num_threads(), MOST_WORKERS)
    run = replace(SETTINGS.run, seed=seed, steps=steps or SETTINGS.run.steps, workers=workers)
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
                known_domains(catalog, read_info(encoder_path, "encoder").space.fingerprint),
            )
        _tell(instrument, json=json, quiet=quiet)


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
