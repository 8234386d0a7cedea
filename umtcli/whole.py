"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that gets its name when it is complete and on disk.

    Until then it lies beside `path` under a hidden name; if writing it fails, it is removed
    and what was at `path` stays. Folders on the way are made.

    Raises:
        OSError: it cannot be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as f:
        temporary = Path(f.name)
    try:
        with temporary.open("wb") as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        temporary.chmod(0o644)  # temporary files are private, these are not
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
