"""Shards read like the array that was written, from anywhere, and tell when they are broken."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from umt_trainer.data import Recording, draw_batch
from umt_trainer.prepare.shards import ShardedWave, chunk_samples, read_facts, write_shard
from umtcli.errors import TrainingError

RATE = 100
LENGTH = 1050  # two chunks of 400 and one of 250
WAV = np.random.default_rng(1).integers(-32768, 32768, LENGTH).astype(np.int16)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shards") / "a.zip"
    write_shard(path, np.split(WAV, [3, 3, 700, 1049]), RATE, {"source": "a.wav"})
    return path


@given(st.integers(0, LENGTH), st.integers(0, LENGTH + 50))
def test_every_slice_is_that_of_the_array(shard: Path, start: int, stop: int) -> None:
    wave = ShardedWave(shard, 0, LENGTH, RATE)
    assert np.array_equal(wave[start:stop], WAV[start:stop])


def test_a_stretch_begins_and_ends_where_it_says(shard: Path) -> None:
    wave = ShardedWave(shard, 390, 500, RATE)
    assert len(wave) == 500
    assert wave[:].dtype == np.int16
    assert np.array_equal(wave[:], WAV[390:890])
    assert np.array_equal(wave[5:1000], WAV[395:890])


def test_examples_are_drawn_from_a_shard_as_from_memory(shard: Path) -> None:
    on_disk = draw_batch([Recording(ShardedWave(shard, 0, LENGTH, RATE))], 1, 0, 8, 300, RATE)
    in_memory = draw_batch([Recording(WAV)], 1, 0, 8, 300, RATE)
    assert np.array_equal(on_disk.wav_BT, in_memory.wav_BT)


def test_only_the_chunks_of_a_crop_are_read(shard: Path, tmp_path: Path) -> None:
    """The other chunks are gone, and nobody notices."""
    path = tmp_path / "holes.zip"
    with zipfile.ZipFile(shard) as whole, zipfile.ZipFile(path, "w") as holes:
        holes.writestr("000001.flac", whole.read("000001.flac"))
    wave = ShardedWave(path, 0, LENGTH, RATE)
    assert np.array_equal(wave[400:800], WAV[400:800])
    with pytest.raises(TrainingError, match=r"holes\.zip is damaged"):
        wave[399:401]


def test_a_flipped_byte_is_found(shard: Path, tmp_path: Path) -> None:
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "b.zip"
    path.write_bytes(data)
    with pytest.raises(TrainingError, match=r"b\.zip is damaged: .*Delete it and run umt prepare"):
        ShardedWave(path, 0, LENGTH, RATE)[:]


def test_a_missing_or_cut_shard_is_named(shard: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"gone\.zip is damaged"):
        ShardedWave(tmp_path / "gone.zip", 0, LENGTH, RATE)[:9]
    (tmp_path / "cut.zip").write_bytes(shard.read_bytes()[:900])
    with pytest.raises(TrainingError, match=r"cut\.zip is damaged"):
        ShardedWave(tmp_path / "cut.zip", 0, LENGTH, RATE)[:9]


def test_a_shard_that_is_shorter_than_told_is_damaged(shard: Path) -> None:
    with pytest.raises(TrainingError, match="shorter than its manifest says"):
        ShardedWave(shard, 0, LENGTH + 100, RATE)[1000:1100]


def test_facts_come_back_and_broken_shards_have_none(shard: Path, tmp_path: Path) -> None:
    assert read_facts(shard) == {"source": "a.wav"}
    assert read_facts(tmp_path / "gone.zip") is None
    (tmp_path / "text.zip").write_text("no zip")
    assert read_facts(tmp_path / "text.zip") is None


def test_a_shard_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def blocks():
        yield WAV
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "a.zip", blocks(), RATE, {})
    assert list(tmp_path.iterdir()) == []


def test_the_same_audio_makes_the_same_bytes(shard: Path, tmp_path: Path) -> None:
    write_shard(tmp_path / "again.zip", [WAV], RATE, {"source": "a.wav"})
    assert (tmp_path / "again.zip").read_bytes() == shard.read_bytes()


def test_a_full_disk_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TrainingError, match=r"No space left on device\. What was finished is kept"):
        write_shard(tmp_path / "a.zip", [WAV], RATE, {})
    assert list(tmp_path.iterdir()) == []


def test_audio_is_compressed(tmp_path: Path) -> None:
    time_T = np.arange(44_100 * 8) / 44_100
    wav = (3000 * np.sin(2 * np.pi * 440 * time_T)).astype(np.int16)
    write_shard(tmp_path / "a.zip", [wav], 44_100, {})
    assert chunk_samples(44_100) == 176_400
    assert (tmp_path / "a.zip").stat().st_size < wav.nbytes / 2
