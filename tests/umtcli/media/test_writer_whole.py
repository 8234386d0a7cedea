"""A file appears whole under its name or not at all, and its error says what to do."""

import os
from pathlib import Path

import numpy as np
import pytest

from umtcli.errors import EncodeError, MediaError
from umtcli.media import AudioWriter, open_audio, probe

# --- whole or not at all -----------------------------------------------------------------------


def test_nothing_has_the_name_before_close(tmp_path, stereo):
    path = tmp_path / "a.wav"
    writer = AudioWriter(path, sample_rate=44100, num_channels=2)
    writer.write(stereo)
    assert not path.exists()
    writer.close()
    writer.close()
    writer.abort()
    assert list(tmp_path.iterdir()) == [path]
    assert writer.num_samples == len(stereo)


def test_abort_leaves_nothing_and_the_old_file_as_it_was(tmp_path, stereo):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    writer = AudioWriter(path, sample_rate=44100, num_channels=2)
    writer.write(stereo)
    writer.abort()
    writer.abort()
    writer.close()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_an_exception_aborts(tmp_path, stereo):
    def fail_midway() -> None:
        with AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=2) as writer:
            writer.write(stereo)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_midway()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced(write, tmp_path, stereo):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    assert probe(write(path, stereo)).codec == "pcm_s16le"


def test_a_link_stays_a_link(write, tmp_path, stereo):
    target = tmp_path / "target.wav"
    target.touch()
    link = tmp_path / "link.wav"
    link.symlink_to(target)
    write(link, stereo)
    assert link.is_symlink()
    assert probe(target).num_channels == 2


def test_permissions_are_those_of_any_new_file(write, tmp_path, stereo):
    other = tmp_path / "other"
    other.touch()
    assert write(tmp_path / "a.wav", stereo).stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize(
    "name",
    [
        "with spaces.wav",
        "-dash.mp3",
        "c:d|e.flac",
        "f%03d.wav",
        "Сати 音楽.ogg",
        "x" * 240 + ".wav",
    ],
)
def test_any_name_is_only_a_name(write, tmp_path, monkeypatch, stereo, read_all, name):
    monkeypatch.chdir(tmp_path)
    path = write(Path(name), stereo)
    assert len(read_all(open_audio(path))) == len(stereo)
    assert [found.name for found in tmp_path.iterdir()] == [name]


# --- errors -------------------------------------------------------------------------------------


def test_a_path_beneath_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EncodeError, match=r"Cannot write .*file/a.wav: Not a directory. A part of"):
        AudioWriter(tmp_path / "file" / "a.wav", sample_rate=44100, num_channels=1)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(EncodeError, match=r"No such file or directory. Make the folder first"):
        AudioWriter(tmp_path / "gone" / "a.wav", sample_rate=44100, num_channels=1)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(EncodeError, match="it is a folder"):
        AudioWriter(tmp_path, sample_rate=44100, num_channels=1, format="wav")


def test_a_device_is_not_replaced_by_a_file():
    with pytest.raises(EncodeError, match="no regular file"):
        AudioWriter(Path(os.devnull), sample_rate=44100, num_channels=1, format="wav")


def test_float_flac_is_refused(tmp_path):
    with pytest.raises(EncodeError, match=r"flac stores no float. Choose 16 or 24 bits"):
        AudioWriter(tmp_path / "a.flac", sample_rate=44100, num_channels=1, bits=32)
    assert list(tmp_path.iterdir()) == []


def test_without_ffmpeg_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("UMT_FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(MediaError, match="UMT_FFMPEG"):
        AudioWriter(tmp_path / "a.mp3", sample_rate=44100, num_channels=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_not_written(tmp_path, bad):
    writer = AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=1)
    with pytest.raises(EncodeError, match="not numbers"):
        writer.write(np.array([[0.0], [bad]], np.float32))
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_no_samples_is_not_made(tmp_path):
    writer = AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=1)
    with pytest.raises(EncodeError, match="no samples to write"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_block_of_other_channels_is_a_mistake_of_the_caller(tmp_path, stereo):
    writer = AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=1)
    with pytest.raises(ValueError, match=r"\(T, 1\)"):
        writer.write(stereo)
    writer.abort()


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.caf", "a.au", "a.flac", "a.mp3", "a.m4a"])
# within ffmpeg's buffer, and beyond
@pytest.mark.parametrize(("limit_bytes", "num_samples"), [(1000, 3000), (50_000, 882_000)])
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_file_that_cannot_grow_is_told_and_leaves_nothing(
    tmp_path, write_under_a_limit, name, limit_bytes, num_samples
):
    told = write_under_a_limit(name, limit_bytes, num_samples)
    assert told.startswith(f"Cannot write {name}: File too large. Raise the limit")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(write, stereo):
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(EncodeError, match=r"No space left on device. Free some space"),
    ):
        write(full, stereo)
