"""How training tells what it does, without knowing of terminals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from umt_trainer.prepare.manifest import Manifest


class Watcher:
    """Is told what happens. This one keeps silent; the command line's shows it."""

    def warn(self, message: str) -> None:
        """Something that the user should know, in one line."""

    def prepared(self, manifest: Manifest, folder: Path) -> None:
        """The recordings are prepared, in a folder."""

    def stage(self, name: str, total: float) -> Callable[[float], None]:
        """A stage begins, which counts up to `total`: tell the result what is done since.

        The result may be called from any thread.
        """
        del name, total
        return lambda _: None
