"""`umt convert`: play music again in another domain."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from umtcli.catalog import Catalog
from umtcli.errors import OptionError, UsageError


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
    to: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="DOMAIN[,DOMAIN…]",
            help="What to play it with; `umt domains` lists them. `'piano*0.7+strings*0.3'` mixes "
            "several into one output; without gains the shares are equal.",
            show_default=False,
        ),
    ],
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
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="An option of the domain; `umt domains NAME` lists them.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[  # noqa: A002 - the flag is called so
        str | None,
        typer.Option(
            help="wav, flac, mp3, …  Default: by the name of -o, else as the input, else wav.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            metavar="HZ",
            help="Sample rate of the outputs. Default: the domain's.",
            show_default=False,
        ),
    ] = None,
    bits: Annotated[int, typer.Option(help="16 (dithered), 24 or 32 (float), for PCM.")] = 16,
    seed: Annotated[int, typer.Option(help="The same seed gives the same music.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that exist.")
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="One JSON object a line for each output; on stderr with -o -."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only errors.")] = False,
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

    to_stdout = output == "-"
    if to_stdout and sys.stdout.isatty():
        raise UsageError("-o - would fill the terminal with audio: pipe it into something.")
    request = Request(
        inputs=tuple(inputs),
        to=tuple(_split(to)),
        output=output,
        format=format,
        rate=rate,
        bits=bits,
        options=_settings(settings or []),
        seed=seed,
        device=device,
        overwrite=overwrite,
    )
    with ConvertProgress(quiet=quiet, json=json, to_stdout=to_stdout) as progress:
        results = run(request, Catalog.from_manager(ctx.obj), progress)
    if not all(result.ok for result in results):
        raise typer.Exit(1)


def _split(texts: Iterable[str]) -> list[str]:
    """Domains may be given as one list or in several flags."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def _settings(texts: Iterable[str]) -> dict[str, str]:
    settings = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise OptionError(f"--set takes NAME=VALUE, not {text!r}.")
        settings[name.strip()] = value.strip()
    return settings
