"""The loop on a task small enough to know the answer."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.loop import train
from umt_trainer.tasks import Phase
from umtcli.errors import TrainingError

CONFIG = RunConfig(
    steps=120, batch_size=4, shards=2, learning_rate=0.2, warmup_steps=5, average_decay=0.8
)


@dataclass(frozen=True)
class Line:
    """Find the slope 3 of a line from noisy points that depend on the example's number."""

    network: nn.Module
    broken_at: int = -1
    broken_measure: bool = False

    def identity(self) -> dict[str, Any]:
        return {"network": {"slopes": self.network.weight.numel()}}

    def phases(self) -> list[Phase]:
        return [Phase.of("line", self.network, self.losses)]

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        numbers = torch.arange(index, index + size)
        x = torch.sin(numbers * 12.9898)[:, None]
        loss = (self.network(x) - 3 * x).square().mean()
        if index <= self.broken_at < index + size:
            loss = loss * float("nan")
        largest = x.max() * float("nan") if self.broken_measure else x.max()
        return {"error": loss, "_largest": largest}


def line(broken_at: int = -1) -> Line:
    torch.manual_seed(0)
    return Line(nn.Linear(1, 1, bias=False), broken_at)


def slope(network: nn.Module) -> float:
    return next(iter(network.parameters())).item()


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


class Kinked(torch.autograd.Function):
    """Zero with a gradient that is not a number, as √x has at 0 in many a loss."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.zeros_like(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * float("nan")


@dataclass(frozen=True)
class KinkedLine(Line):
    kinked_at: int = -1

    def losses(self, index: int, size: int) -> dict[str, Tensor]:
        losses = super().losses(index, size)
        if index <= self.kinked_at < index + size:
            losses["error"] = losses["error"] + Kinked.apply(losses["error"])
        return losses


def test_a_gradient_that_is_not_finite_stops_the_run_before_the_weights_change(
    tmp_path: Path,
) -> None:
    path = tmp_path / "c.pt"
    task = KinkedLine(line().network, kinked_at=40)
    with pytest.raises(TrainingError, match=r"gradient is not finite at step 10; .*c\.pt holds"):
        train(task, replace(CONFIG, checkpoint_every_s=0.0), path, lambda *_: None)
    assert torch.load(path, weights_only=True)["step"] == 10
    assert all(p.isfinite().all() for p in task.network.parameters())


def test_a_run_that_fails_before_its_first_checkpoint_promises_none(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no checkpoint was written yet"):
        train(line(broken_at=40), CONFIG, tmp_path / "c.pt", lambda *_: None)
    assert not (tmp_path / "c.pt").exists()


def test_a_measure_that_is_not_a_number_stops_nothing(tmp_path: Path) -> None:
    task = replace(line(), broken_measure=True)
    trained = train(task, CONFIG, tmp_path / "c.pt", lambda *_: None)
    assert slope(trained) == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "seed was 1 there and is 2 here"),
        ({"learning_rate": 0.1}, "learning_rate was 0.2 there and is 0.1 here"),
        ({"steps": 60}, "steps was 120 there and is 60 here"),
        ({"shards": 1}, "shards was 2 there and is 1 here"),
    ],
)
def test_a_checkpoint_of_another_config_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    train(line(), CONFIG, tmp_path / "c.pt", lambda *_: None)
    with pytest.raises(TrainingError, match=rf"c\.pt belongs to another run: {message}"):
        train(line(), replace(CONFIG, **change), tmp_path / "c.pt", lambda *_: None)


def test_a_finished_run_can_be_made_longer(tmp_path: Path) -> None:
    train(line(), CONFIG, tmp_path / "c.pt", lambda *_: None)
    steps: list[int] = []
    longer = replace(CONFIG, steps=150, workers=1, checkpoint_every_s=9.0)
    train(line(), longer, tmp_path / "c.pt", lambda step, _: steps.append(step))
    assert steps == list(range(120, 150))


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    train(line(), CONFIG, path, lambda *_: None)
    with pytest.raises(TrainingError, match=r"another run: network was \{'slopes': 1\}"):
        train(Line(nn.Linear(1, 2)), CONFIG, path, lambda *_: None)


@pytest.mark.parametrize("lost", ["identity", "step", "network", "optimizers", "smooth"])
def test_a_checkpoint_that_lacks_a_part_is_refused(tmp_path: Path, lost: str) -> None:
    path = tmp_path / "c.pt"
    train(line(), CONFIG, path, lambda *_: None)
    state = torch.load(path, weights_only=True)
    del state[lost]
    torch.save(state, path)
    with pytest.raises(TrainingError, match=rf"another run .* '{lost}'"):
        train(line(), CONFIG, path, lambda *_: None)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    path.write_bytes(b"PK nonsense")
    with pytest.raises(TrainingError, match=r"c\.pt is damaged"):
        train(line(), CONFIG, path, lambda *_: None)
