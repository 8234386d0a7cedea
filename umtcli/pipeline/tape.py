"""Audio on disk that has no name: as long as a file may be, and gone when it is closed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from umtcli.errors import EncodeError, cannot_write
from umtcli.media import Block

READ_SAMPLES = 1 << 17


class Tape:
    """Takes blocks, and gives them back when all are there."""

    def __init__(self, folder: Path, num_channels: int) -> None:
        """Open the unnamed file.

        Args:
            folder: where the output will be; it has room for the output, `/tmp` may not.
            num_channels: 1 or 2.

        Raises:
            EncodeError: nothing can be written there.
        """
        self._folder = folder
        self._num_channels = num_channels
        self.num_samples = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see close
        except OSError as e:
            raise EncodeError(cannot_write(f"to {folder}", e)) from e

    def write(self, block_TC: Block) -> None:
        """Append float32 samples (T, C).

        Raises:
            EncodeError: the disk is full.
        """
        self.num_samples += len(block_TC)
        try:
            self._file.write(np.ascontiguousarray(block_TC).data)
        except OSError as e:
            raise EncodeError(cannot_write(f"to {self._folder}", e)) from e

    def blocks(self) -> Iterator[Block]:
        """All of it, (`READ_SAMPLES`, C) at a time; the last may be shorter."""
        self._file.seek(0)
        while data := self._file.read(READ_SAMPLES * 4 * self._num_channels):
            yield np.frombuffer(data, np.float32).reshape(-1, self._num_channels)

    def close(self) -> None:
        """Forget it all; the file has no name and vanishes with this."""
        self._file.close()
