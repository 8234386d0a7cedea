"""`umt prepare`: recordings become shards that training reads at random."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from umt_trainer.commands.options import (
    DEFAULT_FAMILY,
    FamilyName,
    Jobs,
    Json,
    Quiet,
    find_family,
    progress_of_files,
)
from umtcli import console
from umtcli.catalog import Catalog

if TYPE_CHECKING:
    from umt_trainer.prepare import Manifest

TOLD = 10
"""How many of the files that were left out are named; the manifest names all."""


def prepare(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=FOLDER…",
            help="Domains and their recordings, of any format, in any folders below.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="DATA", help="Folder for the prepared domains."),
    ],
    family: FamilyName = DEFAULT_FAMILY,
    jobs: Jobs = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace domains that were prepared from elsewhere."),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make recordings ready for training: one rate, one level, split, compressed, listed.

    Run it again after an interruption, or when files were added: what is done is not done
    again. A file that cannot be used is reported and left out; the exit code is 1 if one
    could not be read.
    """
    from umt_trainer.prepare import parse_sources
    from umt_trainer.prepare import prepare as run
    from umtcli.pipeline.device import num_threads

    learning = find_family(Catalog.from_manager(ctx.obj), family).learning()
    unreadable = False
    for source in parse_sources(sources):
        with progress_of_files(source.name, len(source.files()), quiet=quiet) as report:
            manifest = run(
                source,
                output,
                learning,
                jobs or num_threads(),
                report,
                overwrite=overwrite,
                scores=learning.hears_scores,
            )
        unreadable |= any(reject.unreadable for reject in manifest.rejects)
        tell_rejects(manifest, output / source.name, quiet=quiet)
        _tell(manifest, json=json)
    if unreadable:
        raise typer.Exit(1)


def tell_rejects(manifest: Manifest, folder: Path, *, quiet: bool) -> None:
    """Say which files were left out or read in part, and why."""
    reasons = [f"Left out: {reject.reason}" for reject in manifest.rejects]
    reasons += [f"Warning: {record.warning}" for record in manifest.records if record.warning]
    for reason in reasons[:TOLD] if not quiet else ():
        console.say(reason)
    if len(reasons) > TOLD and not quiet:
        console.say(f"… and {len(reasons) - TOLD} more: {folder / 'manifest.json'} names all.")


def _tell(manifest: Manifest, *, json: bool) -> None:
    splits = {split: manifest.split_s(split) for split in ("train", "val", "test")}
    if json:
        console.print_json(
            {
                "domain": manifest.domain,
                "recordings": len(manifest.records),
                "duration_s": manifest.duration_s,
                "sounding_s": manifest.sounding_s,
                "clipped_share": manifest.clipped_share,
                **{f"{split}_s": seconds for split, seconds in splits.items()},
                "left_out": [
                    {"file": reject.source, "reason": reject.reason} for reject in manifest.rejects
                ],
            }
        )
        return
    minutes = ", ".join(f"{split} {seconds / 60:.1f}" for split, seconds in splits.items())
    console.print_result(
        f"{manifest.domain}: {len(manifest.records)} recordings, "
        f"{manifest.duration_s / 60:.1f} minutes ({minutes})"
    )
