"""What the recipe shows on stderr while it works."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from starter.render import do_all

Report = Callable[[int, Mapping[str, float]], None]


@contextmanager
def training(what: str, steps: int) -> Iterator[Report]:
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


def work(what: str, tasks: Sequence[Callable[[], bool]], processes: int) -> None:
    """Do tasks in parallel under a bar; then say how many there were."""
    made = 0
    with bar(what, len(tasks)) as (progress, task):
        for done in do_all(tasks, processes):
            made += done
            progress.advance(task)
    Console(stderr=True).print(f"{what}: {made} made, {len(tasks) - made} were there already")


@contextmanager
def bar(what: str, total: int | None = None) -> Iterator[tuple[Progress, TaskID]]:
    """A progress bar on stderr, and its task."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress, progress.add_task(what, total=total)
