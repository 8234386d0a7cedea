import pytest

from umtcli.media.pending import PendingFile


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
