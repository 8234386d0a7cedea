"""`umt convert`: play music again in another domain."""

from __future__ import annotations

from typing import Annotated

import typer

from umtcli.catalog import Catalog
from umtcli.cli.options import (
    Bits,
    Device,
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
    split,
)


def convert(
    ctx: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Files of any format, folders (searched for audio), or - for standard input.",
            show_default=False,
        ),
    ],
    to: To,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file for one input and one domain, else a folder; - for standard output. "
            "Default: INPUT-DOMAIN.ext beside each input.",
            show_default=False,
        ),
    ] = None,
    settings: Settings = None,
    format: Format = None,  # noqa: A002 - the flag is called so
    rate: Rate = None,
    bits: Bits = 16,
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Play music again with another instrument: one output for each input and domain.

    A file is made as loud as its input by one gain, under a ceiling of −1 dB true peak.
    A pipe (-o -) cannot wait for the end: its gain follows what was heard so far, and its
    peaks stay under −1 dBFS. Its audio comes later than its input by what the encoder and
    the decoder look ahead, 0.41 s for the gain and, in stereo, 0.19 s for the image: about
    10 s in all for the harmonic family.
    """
    from umtcli.cli.progress import ConvertProgress
    from umtcli.pipeline import Request, run

    to_stdout = goes_to_stdout(output)
    request = Request(
        inputs=tuple(inputs),
        to=tuple(split(to)),
        output=output,
        format=format,
        rate=rate,
        bits=bits,
        options=parse_settings(settings),
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
    with ConvertProgress(quiet=quiet, json=json, to_stdout=to_stdout) as progress:
        results = run(request, Catalog.from_manager(ctx.obj), progress)
    if not all(result.ok for result in results):
        raise typer.Exit(1)
