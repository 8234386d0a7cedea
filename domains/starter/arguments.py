"""Arguments that the recipe's commands have in common."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Argument(help="Folder for everything the recipe makes.")]
Seed = Annotated[int, typer.Option(help="Another seed gives other music.")]
Seconds = Annotated[float, typer.Option(min=5.0, help="Length of each piece.")]
Soundfont = Annotated[Path, typer.Option(help="The sounds, as an SF2 file.")]
Count = Annotated[int, typer.Option(min=1)]
Minutes = Annotated[float, typer.Option(min=0.5, help="Of music for each domain.")]
Processes = Annotated[int, typer.Option(min=1, help="How many pieces to render at once.")]
Transcriber = Annotated[
    Path | None, typer.Option(help="basic-pitch's nmp.onnx, as `umt score` takes it.")
]
