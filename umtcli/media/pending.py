"""A file that gets its name only once it is complete."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


class PendingFile:
    """A file under a temporary name in the folder of its target.

    Args:
        target: replaced on `commit` if it exists, and untouched until then.

    Raises:
        OSError: one cannot write there.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self.path = target.with_name(f".umt-{secrets.token_hex(8)}.part")
        os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))

    def commit(self) -> None:
        """Bring the file to disk, then under its name.

        Raises:
            OSError: it could not be; nothing is left of it.
        """
        try:
            descriptor = os.open(self.path, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(self.path, self._target)
        except OSError:
            self.discard()
            raise

    def discard(self) -> None:
        """Leave nothing of it. Does nothing after `commit`."""
        self.path.unlink(missing_ok=True)
