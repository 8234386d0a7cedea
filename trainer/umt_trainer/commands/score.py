"""`umt score`: how much of the music a translation kept."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from umt_trainer.commands.options import Json, Quiet
from umtcli import console
from umtcli.errors import UsageError

if TYPE_CHECKING:
    from umt_trainer.score.metrics import Metric, Values
    from umt_trainer.score.sound import Sound
    from umt_trainer.score.transcriber import Transcriber

SIDES = {"translation": "translation", "source": "copied source", "true": "true rendering"}


def score(
    translation: Annotated[Path, typer.Argument(metavar="TRANSLATION", help="What umt made.")],
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="What it was made from.")],
    midi: Annotated[
        Path | None,
        typer.Option(metavar="SCORE", help="The notes, as a MIDI file."),
    ] = None,
    true: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The same music played by the instrument itself.",
        ),
    ] = None,
    fail_below: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=X",
            help="Exit with 1 if the translation is worse: below X, or above it where less is "
            "better. May be given again.",
        ),
    ] = None,
    transcriber: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            help="basic-pitch's nmp.onnx. Default: that of the installed basic-pitch.",
        ),
    ] = None,
    recogniser: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A network that tells domains apart: see docs/quality.md. Needs --domain.",
        ),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the translation should sound like."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a translation, beside two baselines: the copied source and the true instrument.

    Notes are heard by basic-pitch's network (`pip install 'umtcli[score]'`, then
    `pip install --no-deps basic-pitch`) and compared with the score; without --midi with those
    heard in --true, and without that with those heard in the source. Without the network the
    note metrics are left out. docs/quality.md describes each metric.
    """
    limits = parse_limits(fail_below or ())
    from umt_trainer.score.metrics import Case, measure
    from umt_trainer.score.midi import read_midi
    from umt_trainer.score.sound import load_sound

    recognise = _recogniser(recogniser, domain)
    hear = _transcriber(transcriber, quiet=quiet)
    case = Case(
        load_sound(translation),
        load_sound(source),
        None if true is None else load_sound(true),
        None if midi is None else read_midi(midi),
    )
    with console.make_progress(quiet=quiet or not sys.stderr.isatty()) as bars:
        bars.add_task(console.safe(f"Listening to {translation.name}"), total=None)
        values = measure(case, hear, recognise)
    if json:
        named = {metric.name: _finite(sides) for metric, sides in values.items()}
        console.print_json({"translation": str(translation), "source": str(source)} | named)
    else:
        _print(values)
    missed = [text for name, limit in limits.items() if (text := _missed(values, name, limit))]
    for text in missed:
        console.complain(text)
    if missed:
        raise typer.Exit(1)


def parse_limits(texts: Sequence[str]) -> dict[str, float]:
    """Read what was given as `--fail-below METRIC=X`.

    Raises:
        UsageError: there is no such metric, or X is no number.
    """
    from umt_trainer.score.metrics import METRICS

    names = [metric.name for metric in METRICS]
    limits = {}
    for text in texts:
        name, _, number = (part.strip() for part in text.partition("="))
        if name not in names:
            raise UsageError(f"--fail-below knows no {name!r}. Metrics: {', '.join(names)}.")
        try:
            limits[name] = float(number)
        except ValueError:
            limits[name] = math.nan
        if math.isnan(limits[name]):
            raise UsageError(f"--fail-below takes METRIC=X with a number, not {text!r}.")
    return limits


def _recogniser(path: Path | None, domain: str | None) -> Callable[[Sound], float] | None:
    """How much of a sound a network takes for a domain.

    Raises:
        UsageError: one was given without the other, or the network knows no such domain.
    """
    if (path is None) != (domain is None):
        raise UsageError("--recogniser and --domain go together: give both or neither.")
    if path is None or domain is None:
        return None
    from umt_trainer.score.recogniser import load_recogniser

    network = load_recogniser(path)
    if domain not in network.domains:
        known = ", ".join(network.domains)
        raise UsageError(f"{path} recognises no {domain!r}; it knows {known}.")
    return lambda sound: network.share(sound, domain)


def _transcriber(path: Path | None, *, quiet: bool) -> Transcriber | None:
    from umt_trainer.score import transcriber

    try:
        return transcriber.BasicPitch(path)
    except transcriber.TranscriberMissing as e:
        if path is not None:
            raise
        if not quiet:
            console.say(str(e))
        return None


def _missed(values: Mapping[Metric, Values], name: str, limit: float) -> str | None:
    """What to say if the translation misses a limit."""
    for metric, sides in values.items():
        if metric.name == name and "translation" in sides:
            value = sides["translation"]
            if not metric.is_worse(value, limit):
                return None
            side = "below" if metric.better == "more" else "above"
            return f"{name} is {value:.3f}, {side} {limit:g}."
    return f"{name} could not be measured: it needs more than was given or is installed."


def _print(values: Mapping[Metric, Values]) -> None:
    shown = [side for side in SIDES if any(side in sides for sides in values.values())]
    console.print_table(
        ("metric", "unit", "better", *(SIDES[side] for side in shown)),
        (
            (
                metric.name,
                metric.unit,
                metric.better,
                *(_number(sides.get(side)) for side in shown),
            )
            for metric, sides in values.items()
        ),
    )


def _finite(sides: Values) -> dict[str, float | None]:
    """JSON knows no infinity, which is how far silence is from any loudness."""
    return {side: value if math.isfinite(value) else None for side, value in sides.items()}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".removesuffix(".000")
