"""Checkpoints come back as they were written, or are refused by name."""

from pathlib import Path
from typing import Any

import pytest
import torch

from umt_trainer import checkpoint
from umtcli.errors import TrainingError


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "c.pt"
    checkpoint.save(path, {"step": 3, "weights": {"a": torch.arange(5.0)}})
    state = checkpoint.load(path)
    assert state is not None
    assert state["step"] == 3
    assert torch.equal(state["weights"]["a"], torch.arange(5.0))
    assert [p.name for p in path.parent.iterdir()] == ["c.pt"]


def test_where_nothing_was_saved_there_is_nothing(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "c.pt") is None


def test_a_write_that_fails_keeps_the_last_checkpoint_and_leaves_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.pt"
    checkpoint.save(path, {"step": 1})

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(path, {"step": 2})
    assert checkpoint.load(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


def test_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(TrainingError, match=r"list\.pt is no checkpoint"):
        checkpoint.load(tmp_path / "list.pt")
    (tmp_path / "cut.pt").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"cut\.pt is damaged"):
        checkpoint.load(tmp_path / "cut.pt")


def test_the_field_that_differs_is_named_with_both_values(tmp_path: Path) -> None:
    kept = {"seed": 1, "encoder": "harmonic/1 (aa)"}
    checkpoint.refuse_another_run(tmp_path, kept, dict(kept))
    with pytest.raises(TrainingError, match=r"encoder was 'harmonic/1 \(aa\)' .* 'harmonic/1 \(b"):
        checkpoint.refuse_another_run(tmp_path, kept, kept | {"encoder": "harmonic/1 (bb)"})
    with pytest.raises(TrainingError, match="encoder was None"):
        checkpoint.refuse_another_run(tmp_path, {"seed": 1}, kept)


def test_only_more_steps_may_be_asked_for(tmp_path: Path) -> None:
    checkpoint.refuse_another_run(tmp_path, {"steps": 5}, {"steps": 9})
    with pytest.raises(TrainingError, match="steps was 9 there and is 5 here"):
        checkpoint.refuse_another_run(tmp_path, {"steps": 9}, {"steps": 5})
