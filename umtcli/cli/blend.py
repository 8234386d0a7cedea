"""`umt blend`: crossfade two pieces in latent space."""

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
    goes_to_stdout,
    parse_settings,
)
from umtcli.config import BLEND_AT_S, BLEND_CROSSFADE_S


def blend(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(metavar="A", help="The file that begins.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The file that goes on.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="DOMAIN",
            help="What to play both with: a domain, or a mix such as `'piano*0.7+strings*0.3'`.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file or a folder; - for standard output. Default: A-B-DOMAIN.ext beside A.",
        ),
    ] = None,
    at: Annotated[
        float, typer.Option(metavar="S", help="Second of A where the crossfade starts.")
    ] = BLEND_AT_S,
    crossfade: Annotated[
        float, typer.Option(metavar="S", help="Length of the crossfade in seconds; 0: a cut.")
    ] = BLEND_CROSSFADE_S,
    settings: Settings = None,
    file_format: Format = None,
    rate: Rate = None,
    bits: Bits = 16,
    seed: Seed = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go over from one piece to another in the middle of the music, played by one domain.

    A is heard until --at. Over the --crossfade its latents, which are what the encoder heard,
    give way in a straight line to those of B, whose beginning lies at --at; then B goes on
    to its end. So the output lasts --at and the whole of B. Both times are rounded to frames
    of the latent space, which are 0.02 s for harmonic and 0.05 s for wavenet. A must last
    until the end of the crossfade, and B as long as the crossfade.

    The output is as loud as A and B themselves would be, their sound crossfaded in the same
    place, under the ceiling that `umt convert` keeps. It is stereo if A or B is. It carries
    the tags on which A and B agree.
    """
    from umtcli.cli.progress import ConvertProgress
    from umtcli.pipeline import BlendRequest, Request, run_blend

    to_stdout = goes_to_stdout(output)
    request = Request(
        inputs=(first, second),
        to=(to,),
        output=output,
        format=file_format,
        rate=rate,
        bits=bits,
        options=parse_settings(settings),
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
    with ConvertProgress(quiet=quiet, json=json, to_stdout=to_stdout) as progress:
        catalog = Catalog.from_manager(ctx.obj)
        result = run_blend(BlendRequest(request, at, crossfade), catalog, progress)
    progress.summarise([result])
    if not result.ok:
        raise typer.Exit(1)
