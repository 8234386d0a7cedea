"""The recipe's commands, one a step: ``python -m starter --help``."""

import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from starter import development as judging
from starter import lines as single
from starter import pieces
from starter.progress import bar, training, work
from starter.render import SOUNDFONT, Job, render
from starter.runs import DECODER_RUN, ENCODER_RUN, STEPS_ALONE
from starter.targets import TARGETS
from umtcli.errors import UmtError

app = typer.Typer(
    help="Make the bundled weights again, step by step. Every step goes on where it stopped.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Argument(help="Folder for everything the recipe makes.")]
Seed = Annotated[int, typer.Option(help="Another seed gives other music.")]
Seconds = Annotated[float, typer.Option(min=5.0, help="Length of each piece.")]
Soundfont = Annotated[Path, typer.Option(help="The sounds, as an SF2 file.")]
Count = Annotated[int, typer.Option(min=1)]
Minutes = Annotated[float, typer.Option(min=0.5, help="Of music for each domain.")]
Processes = Annotated[int, typer.Option(min=1, help="How many pieces to render at once.")]


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
    minutes: Minutes = 40.0,
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
def development(
    out: Out,
    pieces_per_source: Count = 1,
    seconds: Seconds = 20.0,
    seed: Seed = 77_001,
    soundfont: Annotated[
        Path, typer.Option(help="Of the sources; none that a network has learned from.")
    ] = judging.SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Render the set that translations are measured on, and how each domain plays it itself."""
    cases = judging.cases(pieces_per_source)
    todo = list(judging.tasks(out, cases, seconds, seed, soundfont, list(TARGETS)))
    judging.write_list(out, cases)
    work("development set", todo, processes)


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
    from umt_domains.plugin import WEIGHTS

    catalog = catalog_of(WEIGHTS)
    console = Console(stderr=True)
    folder = docs / showing.SOUNDS
    for name in showing.sounds(docs / "examples" / "sample.flac", folder, catalog):
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
def recogniser(out: Out, seed: Seed = 1) -> None:
    """Teach a small network to tell the domains apart; try it on true renderings."""
    import torch

    from starter import recognition

    torch.set_num_threads(1)
    console = Console(stderr=True)
    true_renderings = recognition.true_renderings(out)
    with console.status("Looking at the domains' music") as status:
        path = recognition.train_recogniser(out, seed, lambda name: status.update(f"Seen {name}"))
        status.update("Trying it on the development set's true renderings")
        trial = recognition.try_out(recognition.load(out), true_renderings)
    console.print(f"The recogniser is in {path}")
    typer.echo(f"right on {trial.num_right} of {trial.num_files} files, {trial.accuracy:.1%}")
    for name, others in trial.mistaken.items():
        typer.echo(f"{name} was taken for {', '.join(others)}")


@app.command()
def table(
    out: Out,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of the bundles to judge. Default: OUT/weights.")
    ] = None,
    domain: Annotated[list[str] | None, typer.Option(help="Only this one; again for more.")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only such cases, e.g. clean; again for more.")
    ] = None,
    real: Annotated[
        Path | None, typer.Option(help="Folder of recordings without scores, played by the piano.")
    ] = None,
    transcriber: Annotated[
        Path | None, typer.Option(help="basic-pitch's nmp.onnx, as `umt score` takes it.")
    ] = None,
) -> None:
    """Translate the development set, measure all of it, and print the tables as Markdown.

    What was measured is in OUT/rows.jsonl, one JSON object a line, and is not measured again
    for the same weights.
    """
    import torch

    from starter import measuring
    from starter.table import markdown

    torch.set_num_threads(1)
    asked = measuring.Asked(
        out, weights or out / "weights", tuple(domain or ()), tuple(kind or ()), real, transcriber
    )
    with bar("translations") as (progress, task):
        rows = measuring.measure_all(
            asked, lambda done, total: progress.update(task, completed=done, total=total)
        )
    typer.echo(markdown(rows), nl=False)


@app.command()
def systems(
    out: Out,
    system: Annotated[
        list[str], typer.Option(help="NAME=BUNDLES, as `umt train --config` left them; again.")
    ],
    seed: Seed = 1,
    transcriber: Annotated[
        Path | None, typer.Option(help="basic-pitch's nmp.onnx, as `umt score` takes it.")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="Of those that sample.")] = 1.0,
) -> None:
    """Judge whole systems on single lines, and print the tables as Markdown.

    What was measured is in OUT/lines-rows.jsonl, one JSON object a line.
    """
    import torch

    from starter import systems as judging_systems

    torch.set_num_threads(1)
    with bar("translations") as (progress, task):
        text = judging_systems.judge_all(
            out,
            judging_systems.named(system),
            seed,
            transcriber,
            lambda done, total: progress.update(task, completed=done, total=total),
            temperature,
        )
    typer.echo(text, nl=False)


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
