"""Registers the trainer's commands. They import torch when they run, not before."""

from __future__ import annotations

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
