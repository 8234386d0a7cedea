"""Messages say what to try."""

from __future__ import annotations

import errno
import os

import pytest

from umtcli.errors import cannot_write


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.EFBIG, "ulimit -f"),
        (errno.ENOENT, "Make the folder first"),
        (errno.ENOTDIR, "is a file: write elsewhere"),
        (errno.EEXIST, "where the folder should be: write elsewhere"),
        (errno.EACCES, "a folder of your own"),
        (errno.ENAMETOOLONG, "a shorter name"),
        (errno.EROFS, "Write elsewhere"),
        (errno.EIO, "Write elsewhere"),
    ],
)
def test_whatever_the_system_refuses_there_is_advice(number: int, advice: str) -> None:
    said = os.strerror(number)
    message = cannot_write("out.wav", OSError(number, said))
    assert message.startswith(f"Cannot write out.wav: {said}. ")
    assert advice in message
    assert cannot_write("out.wav", f"ffmpeg says: {said}").endswith(message.partition(said)[2])
