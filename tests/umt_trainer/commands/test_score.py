"""`umt score` at the command line, with a transcriber of sines in the place of the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from safetensors.numpy import save_file

from signals import silence, write
from tunes import hear_sines, sines, tune
from umt_trainer.score.notes import Note
from umt_trainer.score.transcriber import HOW_TO, TranscriberMissing
from umtcli.cli import main

pytestmark = pytest.mark.usefixtures("only_umt")

Capture = pytest.CaptureFixture[str]
PITCHES = [60, 64, 67, 72]
RATE = 22_050


@pytest.fixture
def hearing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is installed."""

    def load(path: Path | None) -> Callable[[Any], list[Note]]:
        assert path is None
        return hear_sines

    monkeypatch.setattr("umt_trainer.score.transcriber.BasicPitch", load)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network is not installed."""

    def refuse(path: Path | None) -> None:
        raise TranscriberMissing(HOW_TO)

    monkeypatch.setattr("umt_trainer.score.transcriber.BasicPitch", refuse)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A translation with one wrong note of four, and its source."""
    wrong = sines(tune([*PITCHES[:3], 71]), (0.4, 0.2))
    return [
        str(write(tmp_path / "song-piano.wav", wrong[:, None], RATE)),
        str(write(tmp_path / "song.wav", sines(tune(PITCHES))[:, None], RATE)),
    ]


@pytest.fixture
def known(tmp_path: Path) -> list[str]:
    """The true rendering and the score."""
    true = write(tmp_path / "true.wav", sines(tune(PITCHES), (0.5, 0.3))[:, None], RATE)
    track = mido.MidiTrack()
    for pitch in PITCHES:
        track.append(mido.Message("note_on", note=pitch, velocity=80, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
    mido.MidiFile(tracks=[track]).save(tmp_path / "song.mid")  # 120 beats a minute
    return ["--midi", str(tmp_path / "song.mid"), "--true", str(true)]


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split() for line in text.splitlines()}


def test_each_metric_stands_beside_its_baselines(
    hearing: None, files: list[str], known: list[str], capsys: Capture
) -> None:
    assert main(["score", *files, *known]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    header, *_ = shown.out.splitlines()
    assert header.split() == [
        "metric", "unit", "better", "translation", "copied", "source", "true", "rendering",
    ]  # fmt: skip
    found = rows(shown.out)
    assert found["note_f1"] == ["note_f1", "share", "more", "0.750", "1", "1"]
    assert found["note_f1_share"][-3:] == ["0.750", "–", "–"]
    assert found["clicks"] == ["clicks", "less", "0", "0", "0"]


def test_json_is_one_object(
    hearing: None, files: list[str], known: list[str], capsys: Capture
) -> None:
    assert main(["score", *files, *known, "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert (found["translation"], found["source"]) == (files[0], files[1])
    assert found["note_f1"] == {"translation": 0.75, "source": 1, "true": 1}
    assert found["loudness_difference"]["source"] == 0


def test_a_silent_translation_is_measured_and_its_json_is_json(
    deaf: None, files: list[str], tmp_path: Path, capsys: Capture
) -> None:
    silent = write(tmp_path / "silent.wav", silence(2.0, RATE, 1), RATE)
    assert main(["score", str(silent), files[1], "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found["loudness_difference"] == {"translation": None, "source": 0.0}
    assert main(["score", str(silent), files[1], "--fail-below", "loudness_difference=1"]) == 1


def test_without_a_true_rendering_its_column_is_missing(
    hearing: None, files: list[str], capsys: Capture
) -> None:
    assert main(["score", *files]) == 0
    out = capsys.readouterr().out
    assert "true" not in out
    assert "log_mel" not in out
    assert rows(out)["note_f1"][-2:] == ["0.750", "1"]


def test_without_the_network_it_says_so_and_measures_the_rest(
    deaf: None, files: list[str], capsys: Capture
) -> None:
    assert main(["score", *files]) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [HOW_TO]
    assert "note_f1" not in shown.out
    assert "chroma_ncc" in shown.out
    assert main(["score", *files, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_network_that_was_asked_for_must_be_there(
    deaf: None, files: list[str], capsys: Capture
) -> None:
    assert main(["score", *files, "--transcriber", "nmp.onnx"]) == 1
    assert "pip install" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("note_f1=0.7", 0),
        ("note_f1=0.8", 1),
        ("clicks=0", 0),
        ("chroma_dtw=0.001", 1),  # less is better: more than this fails
        ("chroma_dtw=1.5", 0),
    ],
)
def test_a_missed_limit_sets_the_exit_code(
    hearing: None, files: list[str], limit: str, code: int, capsys: Capture
) -> None:
    assert main(["score", *files, "--fail-below", limit]) == code
    shown = capsys.readouterr()
    assert shown.out  # the table comes all the same
    assert (limit.split("=", maxsplit=1)[0] in shown.err) == bool(code)


def test_every_limit_must_be_met(hearing: None, files: list[str], capsys: Capture) -> None:
    limits = ["--fail-below", "note_f1=0.7", "--fail-below", "note_recall=0.9"]
    assert main(["score", *files, *limits]) == 1
    assert capsys.readouterr().err == "Error: note_recall is 0.750, below 0.9.\n"


def test_what_could_not_be_measured_did_not_pass(
    deaf: None, files: list[str], capsys: Capture
) -> None:
    assert main(["score", *files, "--quiet", "--fail-below", "note_f1=0"]) == 1
    assert "note_f1 could not be measured" in capsys.readouterr().err


@pytest.fixture
def recogniser(tmp_path: Path) -> str:
    """Takes every sound for a harp: its second bias is the larger."""
    sizes = {"mean": 320, "scale": 320, "weight_1": (1, 320), "bias_1": 1, "weight_2": (2, 1)}
    tensors = {name: np.ones(size, "f4") for name, size in sizes.items()}
    tensors |= {"weight_2": np.zeros((2, 1), "f4"), "bias_2": np.array([0, 1], "f4")}
    path = tmp_path / "recogniser.safetensors"
    save_file(tensors, path, metadata={"domains": json.dumps(["piano", "harp"])})
    return str(path)


def test_the_domain_is_recognised(
    deaf: None, files: list[str], recogniser: str, capsys: Capture
) -> None:
    arguments = ["score", *files, "--quiet", "--recogniser", recogniser]
    assert main([*arguments, "--domain", "harp"]) == 0
    assert rows(capsys.readouterr().out)["recognised"][-2:] == ["1", "1"]
    assert main([*arguments, "--domain", "piano", "--fail-below", "recognised=0.5"]) == 1
    assert capsys.readouterr().err == "Error: recognised is 0.000, below 0.5.\n"


def test_a_recogniser_needs_to_be_told_a_domain_it_knows(
    deaf: None, files: list[str], recogniser: str, capsys: Capture
) -> None:
    assert main(["score", *files, "--recogniser", recogniser, "--domain", "tuba"]) == 2
    assert "recognises no 'tuba'; it knows piano, harp." in capsys.readouterr().err
    for alone in (["--recogniser", recogniser], ["--domain", "harp"]):
        assert main(["score", *files, *alone]) == 2
        assert "give both or neither" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("limit", "says"),
    [("melody=1", "knows no 'melody'"), ("clicks", "METRIC=X"), ("clicks=nan", "METRIC=X")],
)
def test_a_limit_that_says_nothing_is_wrong_usage(
    files: list[str], limit: str, says: str, capsys: Capture
) -> None:
    assert main(["score", *files, "--fail-below", limit]) == 2
    assert says in capsys.readouterr().err


def test_files_that_are_missing_are_named(hearing: None, files: list[str], capsys: Capture) -> None:
    for arguments in (["no.wav", files[1]], [files[0], "no.wav"], [*files, "--midi", "no.mid"]):
        assert main(["score", *arguments]) == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        assert len(shown.err.splitlines()) == 1
        assert "no." in shown.err
