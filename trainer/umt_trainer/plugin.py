"""Registers the trainer's commands, and its metrics. Torch is imported when they run."""

from __future__ import annotations

from pathlib import Path

import typer

from umt_trainer.commands.package import package
from umt_trainer.commands.prepare import prepare
from umt_trainer.commands.score import score
from umt_trainer.commands.train import train
from umtcli import hookimpl


@hookimpl
def umt_commands(app: typer.Typer) -> None:
    """`umt prepare`, `umt train`, `umt package` and `umt score`."""
    for command in (prepare, train, package, score):
        app.command()(command)


@hookimpl
def umt_measure(source: Path, output: Path) -> dict[str, float]:
    """The metrics of `umt score` that need no score and no true rendering."""
    from umt_trainer.score.beside import measure_beside

    return measure_beside(source, output)
