"""`umt train kazoo=…` from recordings to a song, with a decoder that learned next to nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from buzzing import bars, melody
from signals import noise, write
from umt_trainer.config import RunConfig
from umt_trainer.instrument import InstrumentSettings
from umtcli.bundle import read_info
from umtcli.cli import main

Capture = pytest.CaptureFixture[str]
TINY = InstrumentSettings(
    RunConfig(steps=2, batch_size=2, crop_s=1.0, shards=1, workers=1, warmup_steps=1),
    hearings=2,
    validation_examples=2,
)


@pytest.fixture(autouse=True)
def home(only_umt: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """umt itself with an empty data folder, content with seconds of music."""
    monkeypatch.setattr("umt_trainer.fitness.LEAST_S", 5.0)
    monkeypatch.setattr("umt_trainer.instrument.SETTINGS", TINY)
    monkeypatch.setenv("UMT_THREADS", "1")
    return only_umt


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short takes of tuned bars, and a file that is broken."""
    folder = tmp_path_factory.mktemp("takes")
    for k in range(3):
        soundfile.write(folder / f"{k}.flac", melody(bars, 5.0 + k / 2, seed=k), 44_100)
    (folder / "broken.mp3").write_bytes(b"no music" * 99)
    return folder


def test_an_instrument_is_learned_installed_and_played(
    takes: Path, home: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["train", f"bars={takes}", "--author", "Ann", "--licence", "CC0-1.0"]) == 0
    shown = capsys.readouterr()
    assert shown.out == f"{home / 'domains' / 'bars.safetensors'}\n"
    assert "Left out: Cannot decode" in shown.err
    assert "minutes of sound are little" in shown.err
    assert "umt convert song.mp3 --to bars" in shown.err
    info = read_info(home / "domains" / "bars.safetensors", "decoder")
    assert (info.family, info.name, info.sample_rate) == ("harmonic", "bars", 44_100)
    assert info.provenance["licence"] == "CC0-1.0"
    assert info.provenance["author"] == "Ann"
    assert info.provenance["data"].startswith("3 recordings, 0.3 minutes")

    song = tmp_path / "song.wav"
    soundfile.write(song, melody(bars, 2.0, seed=9), 44_100)
    assert main(["convert", str(song), "--to", "bars", "--device", "cpu"]) == 0
    assert soundfile.info(tmp_path / "song-bars.wav").frames == 2 * 44_100

    # again: refused unasked, and with --json and the same steps nothing new is learned
    assert main(["train", f"bars={takes}"]) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err
    before = info.digest
    assert main(["train", f"bars={takes}", "--overwrite", "--json", "--quiet"]) == 0
    shown = capsys.readouterr()
    (row,) = [json.loads(line) for line in shown.out.splitlines()]
    assert (row["domain"], row["recordings"], row["left_out"]) == ("bars", 3, ["broken.mp3"])
    assert row["validation_loss"] > 0
    assert shown.err == ""
    assert read_info(home / "domains" / "bars.safetensors").digest == before


def test_noise_is_refused_before_it_is_learned(tmp_path: Path, home: Path, capsys: Capture) -> None:
    folder = tmp_path / "drums"
    folder.mkdir()
    write(folder / "snare.wav", noise(14.0, channels=1))
    assert main(["train", f"snare={folder}"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert "snare: notes are heard in only" in error
    assert not (home / "domains").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Say NAME=FOLDER"),
        (["kazoo"], 2, "Say NAME=FOLDER"),
        (["piano={}"], 2, "has a domain piano already, so --to piano would mean two"),
        (["kazoo={}", "--encoder", "0123"], 2, "--encoder takes the fingerprint"),
        (["kazoo={}"], 2, "There is no audio in the folder"),
        (["kazoo={}", "--steps", "0"], 2, "steps"),
    ],
)
def test_wrong_requests_are_refused_in_one_line(
    arguments: list[str], code: int, said: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "empty").mkdir()
    given = [text.format(tmp_path / "empty") for text in arguments]
    assert main(["train", *given]) == code
    (error,) = capsys.readouterr().err.splitlines()
    assert said in error


def test_one_second_is_too_little(tmp_path: Path, capsys: Capture) -> None:
    song = write(tmp_path / "short.wav", noise(1.0))
    assert main(["train", f"kazoo={song}"]) == 1
    assert "lasts 1.0 s; 4 s are the least" in capsys.readouterr().err
