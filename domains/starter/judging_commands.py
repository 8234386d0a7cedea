"""The recipe's commands that judge: what translations are measured on, and by whom."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from starter import development as development_set
from starter.arguments import Count, Out, Processes, Seconds, Seed, Transcriber
from starter.progress import bar, work
from starter.targets import TARGETS
from umt_trainer.prepare.sources import parse_sources


def development(
    out: Out,
    pieces_per_source: Count = 1,
    seconds: Seconds = 20.0,
    seed: Seed = 77_001,
    soundfont: Annotated[
        Path, typer.Option(help="Of the sources; none that a network has learned from.")
    ] = development_set.SOUNDFONT,
    processes: Processes = 2,
) -> None:
    """Render the set that translations are measured on, and how each domain plays it itself."""
    cases = development_set.cases(pieces_per_source)
    todo = list(development_set.tasks(out, cases, seconds, seed, soundfont, list(TARGETS)))
    development_set.write_list(out, cases)
    work("development set", todo, processes)


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
    transcriber: Transcriber = None,
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


def systems(
    out: Out,
    system: Annotated[
        list[str], typer.Option(help="NAME=BUNDLES, as `umt train --config` left them; again.")
    ],
    seed: Seed = 1,
    transcriber: Transcriber = None,
    temperature: Annotated[float, typer.Option(min=0.0, help="Of those that sample.")] = 1.0,
    guidance: Annotated[
        float, typer.Option(min=0.0, help="Times the decoders' own; 0 is without.")
    ] = 1.0,
) -> None:
    """Judge whole systems on single lines, and print the tables as Markdown.

    What was measured is in OUT/lines-rows.jsonl, one JSON object a line.
    """
    import torch

    from starter import systems as judging

    torch.set_num_threads(1)
    named = {source.name: source.folder for source in parse_sources(system)}
    with bar("translations") as (progress, task):
        text = judging.judge_all(
            out,
            named,
            seed,
            transcriber,
            lambda done, total: progress.update(task, completed=done, total=total),
            {"temperature": temperature, "guidance": guidance},
        )
    typer.echo(text, nl=False)


COMMANDS = (development, recogniser, table, systems)
