"""The loop on a task small enough to know the answer."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.loop import train
from umtcli.errors import TrainingError

CONFIG = RunConfig(
    steps=120, batch_size=4, shards=2, learning_rate=0.2, warmup_steps=5, average_decay=0.8
)


@dataclass(frozen=True)
class Line:
    """Find the slope 3 of a line from noisy points that depend on the example's number."""

    network: nn.Module
    broken_at: int = -1

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        numbers = torch.arange(index, index + size)
        x = torch.sin(numbers * 12.9898)[:, None]
        loss = (self.network(x) - 3 * x).square().mean()
        if index <= self.broken_at < index + size:
            loss = loss * float("nan")
        return {"error": loss, "_largest": x.max()}


def line(broken_at: int = -1) -> Line:
    torch.manual_seed(0)
    return Line(nn.Linear(1, 1, bias=False), broken_at)


def slope(network: nn.Module) -> float:
    return float(next(iter(network.parameters())))


def test_it_learns_and_reports_every_step(tmp_path: Path) -> None:
    seen: list[tuple[int, dict[str, float]]] = []

    def note(step: int, losses: dict[str, float]) -> None:
        seen.append((step, dict(losses)))

    trained = train(line(), CONFIG, tmp_path / "c.pt", note)
    assert slope(trained) == pytest.approx(3, abs=0.1)
    assert [step for step, _ in seen] == list(range(120))
    assert seen[-1][1]["error"] < seen[30][1]["error"]


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = train(line(), CONFIG, tmp_path / "whole.pt", lambda *_: None)

    class Stopped(Exception):
        pass

    def stop(step: int, losses: dict[str, float]) -> None:
        del losses
        if step == 23:
            raise Stopped

    eager = replace(CONFIG, checkpoint_every_s=0.0)
    with pytest.raises(Stopped):
        train(line(), eager, tmp_path / "parts.pt", stop)
    resumed_from: list[int] = []
    resumed = train(line(), eager, tmp_path / "parts.pt", lambda step, _: resumed_from.append(step))
    assert resumed_from[0] == 23
    assert slope(resumed) == slope(whole)


def test_the_number_of_workers_changes_nothing(tmp_path: Path) -> None:
    one = train(line(), replace(CONFIG, workers=1), tmp_path / "1.pt", lambda *_: None)
    two = train(line(), replace(CONFIG, workers=2), tmp_path / "2.pt", lambda *_: None)
    assert slope(one) == slope(two)


def test_shards_of_a_batch_add_up_to_the_batch(tmp_path: Path) -> None:
    small = train(line(), replace(CONFIG, shards=4), tmp_path / "4.pt", lambda *_: None)
    large = train(line(), replace(CONFIG, shards=1), tmp_path / "1.pt", lambda *_: None)
    assert slope(small) == pytest.approx(slope(large), rel=1e-4)


def test_nonsense_stops_the_run_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    eager = replace(CONFIG, checkpoint_every_s=0.0)
    with pytest.raises(TrainingError, match="error loss is nan at step 10"):
        train(line(broken_at=40), eager, path, lambda *_: None)
    assert torch.load(path, weights_only=True)["step"] == 10


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    train(line(), CONFIG, path, lambda *_: None)
    with pytest.raises(TrainingError, match="another run"):
        train(Line(nn.Linear(1, 2)), CONFIG, path, lambda *_: None)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    path.write_bytes(b"PK nonsense")
    with pytest.raises(TrainingError, match=r"c\.pt is damaged"):
        train(line(), CONFIG, path, lambda *_: None)
