"""`umt convert`: play music again in another domain."""

from __future__ import annotations

from typing import Annotated

import typer

from umtcli.catalog import Catalog
from umtcli.cli.batch import (
    ClusterAddress,
    Devices,
    DryRun,
    Exclude,
    FilesFrom,
    Flat,
    Include,
    MaxDuration,
    Name,
    RetryFailed,
    ShardText,
    Timeout,
    Verify,
    parse_shard,
    read_list,
)
from umtcli.cli.options import (
    OUTPUTS,
    SOUND,
    Bits,
    Format,
    Json,
    Overwrite,
    Quiet,
    Rate,
    Seed,
    Settings,
    To,
    goes_to_stdout,
    parse_settings,
)
from umtcli.errors import ReaderGone, UsageError


def convert(
    ctx: typer.Context,
    to: To,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Files of any format, folders (searched for audio), or - for standard input.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file for one input and one domain, else a folder; - for standard output. "
            "Default: INPUT-DOMAIN.ext beside each input.",
            rich_help_panel=OUTPUTS,
        ),
    ] = None,
    settings: Settings = None,
    mix: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Mix the original in: 0 is only what is played, 1 only the original.",
            rich_help_panel=SOUND,
        ),
    ] = 0.0,
    file_format: Format = None,
    rate: Rate = None,
    bits: Bits = 16,
    name: Name = None,
    flat: Flat = False,
    midi: Annotated[
        bool,
        typer.Option(
            "--midi",
            help="Also write the notes that were heard, as they are before any --set: INPUT.mid "
            "where the outputs go.",
            rich_help_panel=OUTPUTS,
        ),
    ] = False,
    seed: Seed = 0,
    files_from: FilesFrom = None,
    include: Include = None,
    exclude: Exclude = None,
    shard: ShardText = None,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    verify: Verify = False,
    retry_failed: RetryFailed = False,
    timeout: Timeout = None,
    max_duration: MaxDuration = None,
    score: Annotated[
        bool,
        typer.Option(
            "--score",
            help="Also measure how much of the music each output kept: see docs/quality.md.",
            rich_help_panel=OUTPUTS,
        ),
    ] = False,
    device: Devices = "auto",
    cluster: ClusterAddress = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Play music again with another instrument: one output for each input and domain.

    A file is made as loud as its input by one gain, under a ceiling of −1 dB true peak.
    A pipe (-o -) cannot wait for the end: its gain follows what was heard so far, and its
    peaks stay under −1 dBFS. Its audio comes later than its input by what the encoder and
    the decoder look ahead, 0.41 s for the gain (with --mix twice that) and, in stereo, 0.19 s
    for the image: 10 to 11 s in all for the harmonic family.

    What is done already is not done again: a run that was interrupted is finished by the
    same command. Outputs are known by the hidden file .umt.jsonl beside them.
    """
    from umtcli.cli.progress import ConvertProgress
    from umtcli.cli.scoring import check_measurable, show_scores
    from umtcli.pipeline import Limits, Request, Selection, run

    if score:
        check_measurable(ctx.obj, output, dry_run=dry_run)
    to_stdout = goes_to_stdout(output)
    if files_from == "-" and "-" in (inputs or ()):
        raise UsageError("Standard input cannot be both the music and --files-from.")
    request = Request(
        inputs=(*(inputs or ()), *read_list(files_from)),
        to=tuple(to),
        output=output,
        format=file_format,
        rate=rate,
        bits=bits,
        options=parse_settings(settings),
        mix=mix,
        seed=seed,
        device=device,
        cluster=cluster,
        midi=midi,
        overwrite=overwrite,
        name=name,
        flat=flat,
        verify=verify,
        dry_run=dry_run,
        selection=Selection(
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            shard=parse_shard(shard),
            retry_failed=retry_failed,
        ),
        limits=Limits(timeout_s=timeout, max_duration_s=max_duration),
    )
    with ConvertProgress(quiet=quiet, json=json, to_stdout=to_stdout) as progress:
        results = run(request, Catalog.from_manager(ctx.obj), progress)
    progress.summarise(results)
    measured = not score or show_scores(ctx.obj, results, json=json)
    if not all(result.ok for result in results):
        gone = any(isinstance(result.error, ReaderGone) for result in results)
        raise typer.Exit(ReaderGone.exit_code if gone else 1)
    if not measured:
        raise typer.Exit(1)
