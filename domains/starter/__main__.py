"""The recipe's commands, one a step: ``python -m starter --help``."""

import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from starter import judging_commands, pieces
from starter import lines as single
from starter.arguments import Count, Minutes, Out, Processes, Seconds, Seed, Soundfont
from starter.progress import training, work
from starter.render import SOUNDFONT, Job, render
from starter.runs import DECODER_RUN, ENCODER_RUN, STEPS_ALONE
from starter.targets import TARGETS
from umtcli.errors import UmtError

app = typer.Typer(
    help="Make the bundled weights again, step by step. Every step goes on where it stopped.",
    no_args_is_help=True,
)


@app.command()
def practice(
    out: Out,
    pieces_per_program: Count = 6,
    seconds: Seconds = 40.0,
    seed: Seed = 1,
    soundfont: Soundfont = SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Compose and render practice music with scores, for the encoder."""
    jobs = pieces.practice(out, pieces_per_program, seconds, seed, soundfont)
    inventions = pieces.inventions(out, pieces_per_program, seconds, seed)
    work("practice music", [*(partial(render, job) for job in jobs), *inventions], processes)


@app.command()
def drums(
    out: Out,
    loops: Count = 12,
    seconds: Seconds = 40.0,
    seed: Seed = 2,
    soundfont: Soundfont = SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Render drum loops and noises, to be mixed into practice music."""
    _render("drums", pieces.drums(out, loops, seconds, seed, soundfont), processes)


@app.command()
def domains(
    out: Out,
    minutes: Minutes = 12.0,
    seed: Seed = 3,
    soundfont: Soundfont = SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Render the music that the domains' decoders learn from."""
    _render("domains", pieces.domains(out, minutes, seed, soundfont=soundfont), processes)


@app.command()
def lines(
    out: Out,
    minutes: Minutes = 35.0,
    pieces_per_source: Annotated[int, typer.Option(min=1, help="To judge it by.")] = 3,
    seed: Seed = 4,
    soundfont: Soundfont = SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Render single lines that the small WaveNet system learns from, and is judged by."""
    jobs = [
        *single.lines(out, minutes, seed, soundfont=soundfont),
        *single.evaluation(out, pieces_per_source, 30.0, seed, soundfont),
    ]
    _render("lines", jobs, processes)


@app.command()
def sample(path: Annotated[Path, typer.Argument(help="The FLAC file to write.")]) -> None:
    """Render the minuet that the demo translates."""
    from starter.sample import render_sample

    render_sample(path)


@app.command()
def gallery(
    docs: Annotated[Path, typer.Argument(help="The folder of the docs.")],
) -> None:
    """Write the docs' page of the bundled domains, and ten seconds of each."""
    from starter import gallery as showing
    from starter.measuring import catalog_of
    from starter.sample import FLUTE, render_sample
    from umt_domains.plugin import WEIGHTS

    catalog = catalog_of(WEIGHTS)
    console = Console(stderr=True)
    folder = docs / showing.SOUNDS
    with tempfile.TemporaryDirectory() as work:
        line = Path(work) / "line.flac"
        render_sample(line, players=[FLUTE])
        for name in showing.sounds(docs / "examples" / "sample.flac", line, folder, catalog):
            console.print(f"{name} plays in {folder}", soft_wrap=True)
    (docs / showing.PAGE).write_text(showing.page(catalog.domains), encoding="utf-8")


@app.command()
def encoder(
    out: Out,
    steps: Count = ENCODER_RUN.steps,
    seed: Seed = 1,
) -> None:
    """Train the universal encoder on the practice music."""
    from starter.learn import train_encoder

    config = replace(ENCODER_RUN, steps=steps, seed=seed)
    with training("encoder", steps) as report:
        info = train_encoder(out, config, report)
    Console(stderr=True).print(f"encoder {info.space} is in {info.path}")


@app.command()
def decoder(
    out: Out,
    domain: Annotated[str, typer.Argument(help=f"One of {', '.join(TARGETS)}.")],
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            show_default=f"{DECODER_RUN.steps}; from nothing {STEPS_ALONE}",
        ),
    ] = None,
    seed: Seed = 1,
) -> None:
    """Train one domain's decoder on the frozen encoder."""
    from starter.learn import train_decoder

    alone = domain in TARGETS and TARGETS[domain].begins_as is None
    steps = steps or (STEPS_ALONE if alone else DECODER_RUN.steps)
    config = replace(DECODER_RUN, steps=steps, seed=seed)
    with training(domain, steps) as report:
        info = train_decoder(out, domain, config, report)
    Console(stderr=True).print(f"{domain} is in {info.path}")


@app.command(name="all")
def everything(out: Out, processes: Processes = 2) -> None:
    """Do every step that leads to the bundled weights; what is done already is not done again."""
    from starter.learn import encoder_path, is_trained

    started_s = time.monotonic()
    for make in (practice, drums, domains):
        make(out, processes=processes)
    if not encoder_path(out).exists():  # it is written at the end, whole
        encoder(out)
    for name in sorted(TARGETS, key=lambda name: TARGETS[name].begins_as is not None):
        if not is_trained(out, name):
            decoder(out, name)
    minutes = (time.monotonic() - started_s) / 60
    Console(stderr=True).print(f"All of {out / 'weights'} is ready, {minutes:.0f} minutes later")


@app.command()
def ship(
    bundles: Annotated[Path, typer.Argument(help="As `umt train --config wavenet-small` left it.")],
    out: Annotated[Path, typer.Argument(help="Folder for the weights.")],
    commit: Annotated[str, typer.Option(help="That the run was begun with.")],
) -> None:
    """Write the small WaveNet system's weights as they come with umt."""
    from starter import small

    for info in small.ship(bundles, out, commit):
        typer.echo(info.path)


for judging in judging_commands.COMMANDS:
    app.command()(judging)


def _render(what: str, jobs: Iterable[Job], processes: int) -> None:
    work(what, [partial(render, job) for job in jobs], processes)


def main() -> None:
    """Run a step; what stops it is told in one line."""
    try:
        app()
    except UmtError as e:
        Console(stderr=True).print(f"Error: {e}", style="red", markup=False, soft_wrap=True)
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main()
