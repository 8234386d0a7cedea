"""A file that appears whole or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from umtcli.whole import whole_file


def test_it_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    with whole_file(path) as f:
        f.write(b"half")
        f.flush()
        assert not path.exists()
        f.write(b" and half")
    assert path.read_bytes() == b"half and half"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"before")

    def write() -> None:
        with whole_file(path) as f:
            f.write(b"half")
            raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        write()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
