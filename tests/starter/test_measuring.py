"""The whole measurement on one whistle, with the shipped weights and a transcriber of sines."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from safetensors.numpy import save_file

import umt_domains
from starter import development, measuring
from starter.development import Case
from starter.measuring import Asked, measure_all
from starter.recognition import recogniser_path
from starter.score import Score, write_midi
from starter.whistling import SAMPLE_RATE, whistle
from tunes import hear_sines
from umt_trainer.midi import Note
from umt_trainer.score.recogniser import NUM_FEATURES
from umtcli.errors import TrainingError, UnknownDomain, UsageError

WEIGHTS = Path(umt_domains.__path__[0]) / "weights"
CASE = Case("whistle-0", "whistle", "whistle")
SCORE = Score(tuple(Note(0.5 * k, 0.5 * k + 0.48, 72 + k, 110) for k in range(4)), 2.0)


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of one case that sounds the same as its true rendering; a judge that says piano."""
    monkeypatch.setattr(measuring, "BasicPitch", lambda path: hear_sines)
    for audio in (CASE.audio(tmp_path), CASE.true(tmp_path, "piano")):
        audio.parent.mkdir(parents=True)
        sf.write(audio, whistle(SCORE, 1), SAMPLE_RATE)
    write_midi(SCORE, CASE.score(tmp_path))
    write_midi(SCORE, CASE.true(tmp_path, "piano").with_suffix(".mid"))
    development.write_list(tmp_path, [CASE])
    zeros = {"mean": NUM_FEATURES, "scale": NUM_FEATURES, "bias_1": 1, "bias_2": 2}
    tensors = {name: np.zeros(size, "f4") for name, size in zeros.items()}
    tensors |= {"weight_1": np.zeros((1, NUM_FEATURES), "f4"), "weight_2": np.zeros((2, 1), "f4")}
    tensors["bias_2"][1], tensors["scale"][:] = 1, 1
    recogniser_path(tmp_path).parent.mkdir()
    names = json.dumps(["harp", "piano"])
    save_file(tensors, recogniser_path(tmp_path), metadata={"domains": names})
    return tmp_path


def asked(out: Path, **other: object) -> Asked:
    return Asked(**({"out": out, "weights": WEIGHTS, "domains": ("piano",)} | other))


def test_a_case_is_translated_measured_and_remembered(out: Path) -> None:
    told: list[tuple[int, int]] = []
    (row,) = measure_all(asked(out), lambda *numbers: told.append(numbers))
    assert told[-1] == (1, 1)
    assert (row["case"], row["domain"], row["num_notes"]) == ("whistle-0", "piano", 4)
    assert row["outside_f1_source"] == row["outside_f1_true"] == 1
    assert row["outside_f1"] == 1  # four notes in a row are what the bundled piano can play
    assert row["log_mel_source"] == 0 < row["log_mel"]
    assert abs(row["loudness_difference"]) < 1
    assert row["recognised"] == row["recognised_true"] == "piano"
    assert (out / "translations" / "whistle-0" / "source-piano.flac").exists()
    # the second time nothing is left to be done
    before = (out / "rows.jsonl").read_text()
    shutil.rmtree(out / "translations")
    assert measure_all(asked(out), lambda *_: None) == [row]
    assert (out / "rows.jsonl").read_text() == before
    assert not (out / "translations").exists()


def test_recordings_are_compared_with_themselves(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    sf.write(folder / "street.wav", whistle(SCORE, 2), SAMPLE_RATE)
    (folder / "where.txt").write_text("in the street")
    (folder / ".hidden").write_text("by the system")
    rows = measure_all(asked(out, kinds=("hum",), real=folder), lambda *_: None)
    assert [(row["case"], row["kind"], row["domain"]) for row in rows] == [
        ("real-street", "real", "piano")
    ]
    assert rows[0]["outside_f1"] == 1


def test_two_recordings_of_one_name_are_refused(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("a.wav", "b.wav", "b.mp3"):
        (folder / name).touch()
    with pytest.raises(UsageError, match="2 recordings named b: rename all but one"):
        measure_all(asked(out, real=folder), lambda *_: None)


def test_what_is_missing_is_named_with_the_step_that_makes_it(out: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(TrainingError, match=r"no development set .* starter development"):
        measure_all(asked(empty), lambda *_: None)
    with pytest.raises(TrainingError, match=r"has no domains, or no encoder.* starter decoder"):
        measure_all(asked(out, weights=empty), lambda *_: None)
    with pytest.raises(UnknownDomain):
        measure_all(asked(out, domains=("pinao",)), lambda *_: None)
    with pytest.raises(UsageError, match=r"no cases of kind 'hmu'; kinds are clean, .*, hum\."):
        measure_all(asked(out, kinds=("clean", "hmu")), lambda *_: None)
    recogniser_path(out).unlink()
    with pytest.raises(TrainingError, match=r"is missing.* starter recogniser"):
        measure_all(asked(out), lambda *_: None)
