import os

import pytest

from umtcli.media.pending import PendingFile, is_pending, pending_path


def test_the_target_is_there_when_it_is_complete(tmp_path):
    target = tmp_path / "a.wav"
    pending = PendingFile(target)
    pending.path.write_bytes(b"new")
    assert pending.path.parent == tmp_path
    assert not target.exists()
    pending.commit()
    pending.discard()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"new"]


def test_what_is_discarded_leaves_the_target_alone(tmp_path):
    target = tmp_path / "a.wav"
    target.write_bytes(b"old")
    pending = PendingFile(target)
    pending.path.write_bytes(b"new")
    pending.discard()
    pending.discard()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_a_commit_that_fails_leaves_nothing(tmp_path):
    pending = PendingFile(tmp_path / "a.wav")
    (tmp_path / "a.wav").mkdir()  # since it was opened
    with pytest.raises(IsADirectoryError):
        pending.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_folder_that_is_not_there_is_no_place(tmp_path):
    with pytest.raises(FileNotFoundError):
        PendingFile(tmp_path / "gone" / "a.wav")


def test_two_cannot_make_one_target(tmp_path):
    target = tmp_path / "a.wav"
    assert not is_pending(target)
    first = PendingFile(target)
    first.path.write_bytes(b"first")
    assert is_pending(target)
    with pytest.raises(BlockingIOError):
        PendingFile(target)
    PendingFile(tmp_path / "b.wav").discard()
    first.commit()
    assert not is_pending(target)
    PendingFile(target).discard()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


def test_what_a_killed_process_left_is_used_up(tmp_path):
    target = tmp_path / "a.wav"
    pending_path(target).write_bytes(b"left behind")
    assert not is_pending(target)
    pending = PendingFile(target)
    assert pending.path.read_bytes() == b""
    pending.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_link_under_the_temporary_name_is_not_followed(tmp_path):
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    pending_path(tmp_path / "a.wav").symlink_to(precious)
    with pytest.raises(OSError, match="symbolic link"):
        PendingFile(tmp_path / "a.wav")
    assert precious.read_bytes() == b"precious"


def test_before_it_gets_its_name_somebody_may_note_it(tmp_path):
    target = tmp_path / "a.wav"
    seen = []
    pending = PendingFile(target, lambda path: seen.append((path.read_bytes(), target.exists())))
    pending.path.write_bytes(b"new")
    pending.commit()
    assert seen == [(b"new", False)]


def test_what_cannot_be_noted_gets_no_name(tmp_path):
    def fail(path):
        raise OSError(28, os.strerror(28))

    pending = PendingFile(tmp_path / "a.wav", fail)
    with pytest.raises(OSError, match="No space"):
        pending.commit()
    assert list(tmp_path.iterdir()) == []


def test_the_longest_name_can_be_made(tmp_path):
    pending = PendingFile(tmp_path / ("x" * 251 + ".wav"))
    pending.commit()
    assert [len(path.name) for path in tmp_path.iterdir()] == [255]
