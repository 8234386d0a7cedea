"""Folders become shards: in any format, again where it stopped, without what is broken."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from signals import noise, silence, write
from umt_trainer.data import TRAINING_RMS, fingerprint, load_recording
from umt_trainer.prepare import Manifest, Source, load_split, prepare, read_manifest
from umtcli.errors import OutputExists, TrainingError, UsageError

RATE = 8_000


@dataclass
class Learner:
    """As much of a family as prepare asks for."""

    family: str = "toy"
    sample_rate: int = RATE
    hears_scores: bool = False


def recordings(folder: Path, num: int = 10, duration_s: float = 5.0) -> Source:
    folder.mkdir()
    for k in range(num):
        wave = noise(duration_s, RATE, 1, level=0.01 * (k + 1))
        write(folder / f"{k}.wav", np.roll(wave, 99 * k), RATE)
    return Source("kazoo", folder)


def prepared(source: Source, out: Path, **settings: object) -> tuple[Manifest, float]:
    """The manifest, and how many seconds of audio were read for it."""
    seconds = [0.0]

    def report(read_s: float, num_files: int) -> None:
        seconds.append(read_s)

    learner = Learner(**settings)
    return prepare(source, out, learner, 2, report), sum(seconds)


def test_shards_hold_what_the_whole_files_would(tmp_path: Path) -> None:
    source = recordings(tmp_path / "in")
    manifest, read_s = prepared(source, tmp_path / "out")
    assert read_s == pytest.approx(50.0)
    assert read_manifest(tmp_path / "out" / "kazoo") == manifest
    loaded = {r.name: r for s in ("train", "val", "test") for r in load_split_of(tmp_path, s)}
    assert len(loaded) == 10
    for path in source.files():
        wanted = load_recording(path, RATE).wav[:].astype(int)
        assert np.abs(loaded[f"{path.name}@0"].wav[:] - wanted).max() <= 1


def load_split_of(tmp_path: Path, split: str) -> list:
    return load_split(tmp_path / "out" / "kazoo", split)


def test_every_level_becomes_that_of_training_at_the_familys_rate(tmp_path: Path) -> None:
    prepared(recordings(tmp_path / "in"), tmp_path / "out", sample_rate=16_000)
    for recording in load_split_of(tmp_path, "train"):
        wav = recording.wav[:] / 32768
        assert len(wav) == 5 * 16_000
        assert np.sqrt(np.mean(wav**2)) == pytest.approx(TRAINING_RMS, rel=1e-2)


def test_splits_share_no_recording(tmp_path: Path) -> None:
    prepared(recordings(tmp_path / "in"), tmp_path / "out")
    names = [{r.name for r in load_split_of(tmp_path, s)} for s in ("train", "val", "test")]
    assert [len(n) for n in names] == [8, 1, 1]
    assert len(set.union(*names)) == 10


def test_what_is_done_is_not_read_again(tmp_path: Path) -> None:
    source = recordings(tmp_path / "in")
    before, _ = prepared(source, tmp_path / "out")
    assert prepared(source, tmp_path / "out") == (before, 0.0)
    write(source.folder / "3.wav", noise(6.0, RATE, 1), RATE)
    write(source.folder / "new.wav", noise(7.0, RATE, 1, level=0.2), RATE)
    after, read_s = prepared(source, tmp_path / "out")
    assert read_s == pytest.approx(13.0)
    assert len(after.records) == 11


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    source, finished = recordings(tmp_path / "in"), 0

    def interrupt(read_s: float, num_files: int) -> None:
        nonlocal finished
        finished += num_files
        if finished == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "out", Learner(), 1, interrupt)
    shards = tmp_path / "out" / "kazoo" / "shards"
    assert not [path for path in shards.iterdir() if path.suffix != ".zip"]
    kept = len(list(shards.iterdir()))
    assert 4 <= kept < 10
    manifest, read_s = prepared(source, tmp_path / "out")
    assert read_s == pytest.approx(5.0 * (10 - kept))
    assert len(manifest.records) == 10


def test_files_that_cannot_be_used_are_left_out_with_the_reason(tmp_path: Path) -> None:
    source = recordings(tmp_path / "in")
    (source.folder / "broken.mp3").write_bytes(b"no music" * 99)
    (source.folder / "empty.wav").touch()
    write(source.folder / "quiet.wav", silence(5.0, RATE, 1), RATE)
    write(source.folder / "short.wav", noise(1.0, RATE, 1), RATE)
    (source.folder / "copy.wav").write_bytes((source.folder / "0.wav").read_bytes())
    manifest, _ = prepared(source, tmp_path / "out")
    reasons = {reject.source: reject.reason for reject in manifest.rejects}
    assert "Cannot decode" in reasons["broken.mp3"]
    assert "the file is empty" in reasons["empty.wav"]
    assert "is silent" in reasons["quiet.wav"]
    assert "lasts 1.0 s; 4 s are the least" in reasons["short.wav"]
    assert reasons["copy.wav"] == "copy.wav is the same file as 0.wav."
    assert {r.source for r in manifest.rejects if r.unreadable} == {"broken.mp3", "empty.wav"}
    assert len(manifest.records) == 10
    shards = list((tmp_path / "out" / "kazoo" / "shards").iterdir())
    assert len(shards) == 10  # the copy's is gone


def test_any_format_goes_in(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for suffix in ("flac", "ogg", "mp3", "aiff"):
        level = {"flac": 0.05, "ogg": 0.06, "mp3": 0.07, "aiff": 0.08}[suffix]
        soundfile.write(folder / f"a.{suffix}", noise(6.0, 22_050, 2, level), 22_050)
    manifest, _ = prepared(Source("kazoo", folder), tmp_path / "out")
    assert manifest.rejects == ()
    assert [r.num_samples for r in manifest.records] == [6 * RATE] * 4


def test_a_file_cut_short_is_kept_with_a_warning(tmp_path: Path) -> None:
    source = recordings(tmp_path / "in", num=9)
    soundfile.write(source.folder / "cut.flac", noise(20.0, RATE, 1), RATE)
    path = source.folder / "cut.flac"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    manifest, _ = prepared(source, tmp_path / "out")
    (record,) = (r for r in manifest.records if r.source == "cut.flac")
    assert record.warning is not None
    assert "may be incomplete" in record.warning
    assert 8 * RATE < record.num_samples < 12 * RATE


def test_a_folder_of_nothing_useful_is_refused_with_a_reason(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    with pytest.raises(UsageError, match="no audio in the folder"):
        prepared(Source("kazoo", folder), tmp_path / "out")
    write(folder / "one.wav", noise(1.0, RATE, 1), RATE)
    with pytest.raises(TrainingError, match=r"kazoo: nothing can be learned from.*lasts 1\.0 s"):
        prepared(Source("kazoo", folder), tmp_path / "out")


def test_recordings_of_two_folders_are_not_mixed_unasked(tmp_path: Path) -> None:
    prepared(recordings(tmp_path / "in", num=3), tmp_path / "out")
    other = recordings(tmp_path / "other", num=4)
    with pytest.raises(OutputExists, match="was prepared with the folder"):
        prepared(other, tmp_path / "out")
    manifest = prepare(
        other, tmp_path / "out", Learner(), 1, lambda s, n: None, overwrite=True
    )  # fmt: skip
    assert len(manifest.records) == 4


def test_a_damaged_shard_is_made_again(tmp_path: Path) -> None:
    source = recordings(tmp_path / "in", num=3)
    before, _ = prepared(source, tmp_path / "out")
    (tmp_path / "out" / "kazoo" / "shards" / before.records[0].shard).write_bytes(b"")
    after, read_s = prepared(source, tmp_path / "out")
    assert (after, read_s) == (before, pytest.approx(5.0))


def test_what_is_gone_and_what_a_killed_run_left_is_cleaned_up(tmp_path: Path) -> None:
    source = recordings(tmp_path / "in", num=4)
    prepared(source, tmp_path / "out")
    shards = tmp_path / "out" / "kazoo" / "shards"
    (shards / ".half.zip.x7").touch()
    (source.folder / "2.wav").unlink()
    manifest, _ = prepared(source, tmp_path / "out")
    assert {path.name for path in shards.iterdir()} == {r.shard for r in manifest.records}
    assert len(manifest.records) == 3


def test_an_output_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(TrainingError, match=r"Cannot write .*out.*: (Not a directory|File exists)"):
        prepared(recordings(tmp_path / "in", num=3), tmp_path / "out")


def test_recordings_are_told_apart_without_being_read(tmp_path: Path) -> None:
    prepared(recordings(tmp_path / "in"), tmp_path / "out")
    train = load_split_of(tmp_path, "train")
    for path in (tmp_path / "out" / "kazoo" / "shards").iterdir():
        path.unlink()
    assert len({fingerprint(train), fingerprint(train[1:])}) == 2


def test_a_folder_that_is_not_prepared_or_garbled_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no prepared domain in"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 1, "records": 3}')
    with pytest.raises(TrainingError, match="is damaged"):
        read_manifest(tmp_path)
