"""How `umt train` tells what it does: bars and warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress

from umt_trainer.commands.prepare import tell_rejects
from umt_trainer.watching import Watcher
from umtcli import console

if TYPE_CHECKING:
    from umt_trainer.prepare import Manifest


class TrainProgress(Watcher):
    """Bars on stderr, one a stage, and messages between them."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: Progress = console.make_progress(quiet=quiet or not sys.stderr.isatty())

    def __enter__(self) -> TrainProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def warn(self, message: str) -> None:
        """Something that the user should know."""
        if not self._quiet:
            console.say(f"Warning: {message}")

    def prepared(self, manifest: Manifest, folder: Path) -> None:
        """The recordings are prepared: name those that were left out."""
        tell_rejects(manifest, folder, quiet=self._quiet)

    def stage(self, name: str, total: float) -> Callable[[float], None]:
        """Begin a bar; the result moves it on."""
        task = self._bars.add_task(console.safe(name), total=total)
        return lambda done: self._bars.advance(task, done)
