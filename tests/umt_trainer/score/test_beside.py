"""A translation beside its source alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals import write
from tunes import RATE, hear_sines, sines, tune
from umt_trainer.score import beside
from umtcli.errors import UmtError


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source = write(tmp_path / "song.wav", sines(tune([60, 64, 67, 72]))[:, None], RATE)
    wrong = write(tmp_path / "song-piano.wav", sines(tune([60, 64, 67, 71]))[:, None], RATE)
    return source, wrong


def test_notes_are_compared_with_those_of_the_source(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_transcriber", lambda: hear_sines)
    found = beside.measure_beside(*files)
    assert found["note_f1"] == 0.75
    assert found["clicks"] == 0
    assert "log_mel_distance" not in found  # it needs a true rendering


def test_without_the_transcriber_the_rest_is_measured(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "_transcriber", lambda: None)
    found = beside.measure_beside(*files)
    assert "note_f1" not in found
    assert found["chroma_ncc"] > 0.5


def test_a_file_that_is_gone_is_named(files: tuple[Path, Path]) -> None:
    with pytest.raises(UmtError, match=r"gone\.wav"):
        beside.measure_beside(files[0], files[1].with_name("gone.wav"))
