"""What a run tells, where, and what it does where it cannot."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

from umt_trainer.journal import NO_TENSORBOARD, Journal
from umtcli.errors import TrainingError


@pytest.fixture(autouse=True)
def no_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


def journal(folder: Path, *, silent: bool = False, quiet: bool = False) -> Journal:
    return Journal(folder, 4, 8, 2, json=True, quiet=quiet, silent=silent)


def run(journal: Journal) -> None:
    with journal:
        for step in range(4):
            journal(step, {"error": 1.5, "_guessed": 0.25})
        journal.validated(4, 2.0, {"piano": 2.0, "organ": math.nan})


def test_steps_and_validations_go_to_the_log_and_to_stdout_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(journal(tmp_path / "run"))
    out, err = capsys.readouterr()
    first, second, last = [json.loads(line) for line in out.splitlines()]
    assert (first["event"], first["step"], second["step"]) == ("step", 2, 4)
    assert (first["error"], first["guessed"]) == (1.5, 0.25)
    assert first["examples_per_s"] > 0
    assert last == {
        "event": "validation", "step": 4, "validation": 2.0,
        "validation/piano": 2.0, "validation/organ": None,
    }  # fmt: skip
    log = (tmp_path / "run" / "log.txt").read_text().splitlines()
    assert len(log) == 4
    assert NO_TENSORBOARD in log[0]
    assert "step 2 of 4: error 1.5  guessed 0.25" in log[1]
    assert err.count(NO_TENSORBOARD) == 1


def test_a_quiet_one_still_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(journal(tmp_path, quiet=True))
    assert capsys.readouterr().err == ""
    assert NO_TENSORBOARD in (tmp_path / "log.txt").read_text()


def test_the_other_processes_tell_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(journal(tmp_path / "run", silent=True))
    assert capsys.readouterr() == ("", "")
    assert not (tmp_path / "run").exists()


def test_where_tensorboard_cannot_write_the_run_goes_on_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: str) -> None:
        raise PermissionError(13, "Permission denied", folder)

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = refuse
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    run(journal(tmp_path))
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 3
    assert "No TensorBoard" in err
    assert "Permission denied" in err


def test_a_folder_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match=r"Cannot write .*file"):
        run(journal(tmp_path / "file" / "run"))
