"""The recipe's commands, one a step: ``python -m starter --help``."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from starter import pieces
from starter.render import SOUNDFONT, Job, render_all
from starter.runs import DECODER_RUN, ENCODER_RUN
from starter.targets import TARGETS
from umtcli.errors import UmtError

Report = Callable[[int, Mapping[str, float]], None]

app = typer.Typer(
    help="Make the bundled weights again, step by step. Every step goes on where it stopped.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Argument(help="Folder for everything the recipe makes.")]
Seed = Annotated[int, typer.Option(help="Another seed gives other music.")]
Seconds = Annotated[float, typer.Option(min=5.0, help="Length of each piece.")]
Soundfont = Annotated[Path, typer.Option(help="The sounds, as an SF2 file.")]
Processes = Annotated[int, typer.Option(min=1, help="How many pieces to render at once.")]


@app.command()
def practice(
    out: Out,
    pieces_per_program: Annotated[int, typer.Option(min=1)] = 6,
    seconds: Seconds = 40.0,
    seed: Seed = 1,
    soundfont: Soundfont = SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Compose and render practice music with scores, for the encoder."""
    jobs = list(pieces.practice(out, pieces_per_program, seconds, seed, soundfont))
    _render("practice music", jobs, processes)


@app.command()
def drums(
    out: Out,
    loops: Annotated[int, typer.Option(min=1)] = 12,
    seconds: Seconds = 40.0,
    seed: Seed = 2,
    soundfont: Soundfont = SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Render drum loops and noises, to be mixed into practice music."""
    _render("drums", list(pieces.drums(out, loops, seconds, seed, soundfont)), processes)


@app.command()
def domains(
    out: Out,
    minutes: Annotated[float, typer.Option(min=0.5, help="Of music for each domain.")] = 12.0,
    seed: Seed = 3,
    soundfont: Soundfont = SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Render the music that the domains' decoders learn from."""
    jobs = list(pieces.domains(out, minutes, seed, soundfont=soundfont))
    _render("domains", jobs, processes)


@app.command()
def sample(path: Annotated[Path, typer.Argument(help="The FLAC file to write.")]) -> None:
    """Render the minuet that the demo translates."""
    from starter.sample import render_sample

    render_sample(path)


@app.command()
def encoder(
    out: Out,
    steps: Annotated[int, typer.Option(min=1)] = ENCODER_RUN.steps,
    seed: Seed = 1,
) -> None:
    """Train the universal encoder on the practice music."""
    from starter.learn import train_encoder

    config = replace(ENCODER_RUN, steps=steps, seed=seed)
    with _training("encoder", steps) as report:
        info = train_encoder(out, config, report)
    Console(stderr=True).print(f"encoder {info.space} is in {info.path}")


@app.command()
def decoder(
    out: Out,
    domain: Annotated[str, typer.Argument(help=f"One of {', '.join(TARGETS)}.")],
    steps: Annotated[int, typer.Option(min=1)] = DECODER_RUN.steps,
    seed: Seed = 1,
) -> None:
    """Train one domain's decoder on the frozen encoder."""
    from starter.learn import train_decoder

    config = replace(DECODER_RUN, steps=steps, seed=seed)
    with _training(domain, steps) as report:
        info = train_decoder(out, domain, config, report)
    Console(stderr=True).print(f"{domain} is in {info.path}")


@contextmanager
def _training(what: str, steps: int) -> Iterator[Report]:
    """A progress bar with the losses, one torch thread a worker; ends with the time taken."""
    import torch

    torch.set_num_threads(1)
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    started_s = time.monotonic()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=steps, losses="")

        def report(step: int, losses: Mapping[str, float]) -> None:
            shown = "  ".join(f"{name.strip('_')} {value:.3f}" for name, value in losses.items())
            progress.update(task, completed=step + 1, losses=shown)

        yield report
    console.print(f"{what}: {(time.monotonic() - started_s) / 60:.1f} minutes")


def _render(what: str, jobs: Sequence[Job], processes: int) -> None:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(what, total=len(jobs))
        made = 0
        for done in render_all(jobs, processes):
            made += done
            progress.advance(task)
    console.print(f"{what}: {made} rendered, {len(jobs) - made} were there already")


def main() -> None:
    """Run a step; what stops it is told in one line."""
    try:
        app()
    except UmtError as e:
        Console(stderr=True).print(f"Error: {e}", style="red", markup=False, soft_wrap=True)
        sys.exit(e.exit_code)


if __name__ == "__main__":
    main()
