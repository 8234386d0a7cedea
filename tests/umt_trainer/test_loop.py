"""The loop on a task small enough to know the answer."""

import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from interrupted import Stopped, stop_at
from line import CONFIG, Line, line, slope
from umt_trainer.loop import best_path, train
from umtcli.errors import TrainingError


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

    eager = replace(CONFIG, checkpoint_every_s=0.0)
    with pytest.raises(Stopped):
        train(line(), eager, tmp_path / "parts.pt", stop_at(23))
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
    with pytest.raises(TrainingError, match=r"error loss is nan at step 10 \(examples 40 … 43\)"):
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
    with pytest.raises(
        TrainingError, match=r"not finite at step 10 \(examples 40 … 43\); .*c\.pt holds"
    ):
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


def test_a_damaged_newest_checkpoint_costs_the_steps_since_the_one_before(tmp_path: Path) -> None:
    path, told, steps = tmp_path / "c.pt", list[str](), list[int]()
    whole = train(line(), CONFIG, tmp_path / "whole.pt", lambda *_: None)

    with pytest.raises(Stopped):
        train(line(), replace(CONFIG, checkpoint_every_s=0.0), path, stop_at(23))
    path.write_bytes(path.read_bytes()[:500])
    resumed = train(line(), CONFIG, path, lambda step, _: steps.append(step), tell=told.append)
    assert steps[0] == 22
    assert "c.pt is damaged" in told[0]
    assert slope(resumed) == slope(whole)


def test_a_signal_lets_the_step_end_and_the_handlers_come_back(tmp_path: Path) -> None:
    told, before = list[str](), signal.getsignal(signal.SIGINT)

    def interrupt(step: int, losses: dict[str, float]) -> None:
        del losses
        if step == 7:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(line(), CONFIG, tmp_path / "c.pt", interrupt, tell=told.append)
    assert torch.load(tmp_path / "c.pt", weights_only=True)["step"] == 8
    assert told == [f"Stopped after 8 steps; {tmp_path / 'c.pt'} holds them."]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_does_not_wait(tmp_path: Path) -> None:
    def interrupt(step: int, losses: dict[str, float]) -> None:
        del step, losses
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(line(), CONFIG, tmp_path / "c.pt", interrupt)
    assert not (tmp_path / "c.pt").exists()


def test_elements_of_a_gradient_are_cut_off_at_clip_value(tmp_path: Path) -> None:
    # a step of plain descent would be 2·mean(x²)·3·rate; Adam hides the size, so look at it
    task = line()
    config = replace(CONFIG, steps=1, clip_value=1e-3, clip_norm=float("inf"))
    train(task, config, tmp_path / "c.pt", lambda *_: None)
    assert task.network.weight.grad.abs().item() == pytest.approx(1e-3)


def test_without_averaging_the_network_itself_is_returned(tmp_path: Path) -> None:
    task = line()
    config = replace(CONFIG, steps=9, average_decay=0.0)
    assert slope(train(task, config, tmp_path / "c.pt", lambda *_: None)) == slope(task.network)


@dataclass
class Distance:
    """A judge that knows the answer: how far the slope is from a value."""

    wanted: float
    every: int = 10

    def due(self, num_steps: int) -> bool:
        return num_steps % self.every == 0

    def loss(self, network: nn.Module, num_steps: int) -> float:
        return abs(slope(network) - self.wanted)


def test_the_best_network_is_kept_by_the_judges_loss_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    judge = Distance(1.5)  # the slope passes it on its way from 0 to 3
    trained = train(line(), CONFIG, path, lambda *_: None, judge=judge)
    best = torch.load(best_path(path), weights_only=True)
    assert best["loss"] == pytest.approx(abs(float(best["network"]["weight"]) - 1.5))
    assert best["loss"] < judge.loss(trained, 120)
    assert torch.load(path, weights_only=True)["best"] == (best["loss"], best["step"])
    assert 0 < best["step"] < 120


def test_a_run_that_goes_on_with_fewer_processes_says_what_changes(tmp_path: Path) -> None:
    path, told = tmp_path / "c.pt", list[str]()
    train(line(), CONFIG, path, lambda *_: None)
    state = torch.load(path, weights_only=True)
    torch.save(state | {"processes": 8}, path)
    train(line(), CONFIG, path, lambda *_: None, tell=told.append)
    (message,) = told
    assert "had 8 processes and has 1 now: the examples and their order stay" in message
