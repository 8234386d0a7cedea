"""A file that gets its name only once it is complete."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: one process is not kept from another's files there
    fcntl = None


class PendingFile:
    """A file under a temporary name in the folder of its target.

    The name follows from the target's, and the file is locked: two processes cannot make
    one target at the same time, and what a killed one left is used up by the next.

    Args:
        target: replaced on `commit` if it exists, and untouched until then.
        before_naming: called with the path of the complete file, on disk, before it gets
            its name. Where it fails, so does `commit`.

    Raises:
        BlockingIOError: another process, or another thread, is at the same target.
        OSError: one cannot write there.
    """

    def __init__(
        self, target: Path, before_naming: Callable[[Path], None] = lambda _: None
    ) -> None:
        self._target = target
        self._before_naming = before_naming
        self.path = pending_path(target)
        self._lock: int | None = _claim(self.path)

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
            self._before_naming(self.path)
            if fcntl is None:
                self._release()  # Windows renames no open file
            os.replace(self.path, self._target)
        except BaseException:
            self.discard()
            raise
        self._release()

    def discard(self) -> None:
        """Leave nothing of it. Does nothing after `commit`."""
        if self._lock is not None:
            if fcntl is None:
                self._release()
            self.path.unlink(missing_ok=True)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None


def pending_path(target: Path) -> Path:
    """The temporary name: a hash, since the target's own may be as long as names can be."""
    digest = hashlib.sha256(os.fsencode(target.name)).hexdigest()
    return target.with_name(f".umt-{digest[:16]}.part")


def is_pending(target: Path) -> bool:
    """Whether somebody is making a target right now."""
    try:
        descriptor = os.open(pending_path(target), os.O_RDWR)
    except OSError:
        return False
    try:
        return not _try_to_lock(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(descriptor: int) -> Iterator[None]:
    """Hold the lock of an open file, as soon as it can be had.

    File systems that know no locks are written to without.
    """
    with contextlib.suppress(OSError):
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    with contextlib.suppress(OSError):
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _claim(path: Path) -> int:
    """Open an empty file and lock it, whether it was there before or not."""
    flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    while True:
        descriptor = os.open(path, flags, 0o666)
        try:
            if not _try_to_lock(descriptor):
                raise BlockingIOError(f"another umt is writing {path.name}")
            # whoever held the lock may have renamed or removed the file meanwhile
            if fcntl is None or _is_at(descriptor, path):
                os.truncate(path, 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _try_to_lock(descriptor: int) -> bool:
    """False if somebody else has the lock; file systems without locks never say so."""
    try:
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    with contextlib.suppress(OSError):
        here, there = os.fstat(descriptor), path.lstat()
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    return False
