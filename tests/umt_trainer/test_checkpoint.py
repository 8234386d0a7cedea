"""Checkpoints come back as they were written, or are refused by name."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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


def test_the_last_ones_are_kept_and_no_more(tmp_path: Path) -> None:
    for step in range(5):
        checkpoint.save(tmp_path / "c.pt", {"step": step}, keep=3)
    kept = {p.name: torch.load(p, weights_only=True)["step"] for p in tmp_path.iterdir()}
    assert kept == {"c.pt": 4, "c.pt.1": 3, "c.pt.2": 2}


@contextmanager
def full_disk(num_bytes: int) -> Iterator[None]:
    """No file may grow beyond this, as on a disk that has no more room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_checkpoints_that_were_there_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    checkpoint.save(path, {"step": 1}, keep=3)
    large = {"step": 2, "weights": torch.zeros(1 << 20)}
    with (
        full_disk(1 << 20),
        pytest.raises(TrainingError, match=r"^Cannot write .*c\.pt: .*before is intact") as caught,
    ):
        checkpoint.save(path, large, keep=3)
    assert "\n" not in str(caught.value)
    assert checkpoint.load(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]


def flip_a_bit(path: Path) -> None:
    """In the middle of the largest tensor."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize("damage", [flip_a_bit, cut_off])
def test_a_damaged_newest_is_passed_over_for_the_one_before_saying_so(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    path, told = tmp_path / "c.pt", list[str]()
    for step in (1, 2, 3):
        checkpoint.save(path, {"step": step, "weights": torch.ones(10_000)}, keep=3)
    damage(path)
    state = checkpoint.load(path, told.append)
    assert state is not None
    assert state["step"] == 2
    (message,) = told
    assert "c.pt is damaged" in message
    assert "Going on from c.pt.1" in message


def test_a_run_killed_between_two_renames_still_has_its_newest(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    for step in (1, 2):
        checkpoint.save(path, {"step": step}, keep=3)
    path.replace(tmp_path / "c.pt.1")  # as `save` does before the new one gets its name
    assert checkpoint.load(path) == {"step": 2}


def test_where_all_are_damaged_the_run_is_not_begun_again_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    for step in (1, 2):
        checkpoint.save(path, {"step": step, "weights": torch.ones(10_000)}, keep=2)
    cut_off(path)
    flip_a_bit(tmp_path / "c.pt.1")
    with pytest.raises(TrainingError, match=r"c\.pt is damaged .* Remove .*c\.pt\* to start again"):
        checkpoint.load(path)


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
