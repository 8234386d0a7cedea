"""Validation is reconstruction of held-out music and nothing else, whoever computes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import nn

import tiny_system
from umt_trainer.confusion import ConfusionConfig
from umt_trainer.data import draw_batch
from umt_trainer.distributed import ALONE, World
from umt_trainer.validation import Validation

EXAMPLES = 5


@dataclass
class Heard:
    """What a validation told, and what it asked to be played."""

    losses: list[tuple[int, float, dict[str, float]]] = field(default_factory=list)
    previews: list[int] = field(default_factory=list)

    def told(self, num_steps: int, mean: float, losses: dict[str, float]) -> None:
        self.losses.append((num_steps, mean, losses))

    def preview(self, network: nn.Module, num_steps: int) -> None:
        self.previews.append(num_steps)


def validation(heard: Heard, world: World = ALONE, weight: float = 0.5) -> Validation:
    task = replace(tiny_system.task(), confusion=ConfusionConfig(weight=weight))
    return Validation(
        task, task.domains, world, 2, EXAMPLES, heard.told, preview_every=2, preview=heard.preview
    )


def test_it_is_the_mean_over_domains_of_clean_music_played_again() -> None:
    heard = Heard()
    judge = validation(heard)
    task = judge.task
    loss = judge.loss(task.network, 2)
    means = []
    for domain, decoder in zip(judge.domains, task.network.decoders, strict=True):
        errors = []
        for number in range(EXAMPLES):
            length = round(task.config.crop_s * tiny_system.RATE)
            wav = draw_batch(
                domain.recordings, task.config.seed, number, 1, length, tiny_system.RATE
            ).wav_BT
            with torch.no_grad():
                latents = task.learning.encode(task.network.encoder, wav)
                losses = task.learning.decoder_loss(decoder, latents, wav)
            errors.append(losses["cross_entropy"].item())
        means.append(sum(errors) / len(errors))
    assert loss == pytest.approx(sum(means) / len(means), rel=1e-9)
    ((num_steps, told, losses),) = heard.losses
    assert (num_steps, told) == (2, loss)
    assert list(losses.values()) == pytest.approx(means, rel=1e-9)


def test_how_much_confusion_counts_does_not_change_it() -> None:
    losses = []
    for weight in (0.0, 100.0):
        judge = validation(Heard(), weight=weight)
        losses.append(judge.loss(judge.task.network, 2))
    assert losses[0] == losses[1]


def test_processes_share_its_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = []
    monkeypatch.setattr(World, "total", lambda self, values: sums.append(values.clone()) or values)
    for world in (World(0, 2), World(1, 2)):
        judge = validation(Heard(), world)
        judge.loss(judge.task.network, 2)
    monkeypatch.undo()
    judge = validation(heard := Heard())
    judge.loss(judge.task.network, 2)
    alone = list(heard.losses[0][2].values())
    assert ((sums[0] + sums[1]) / EXAMPLES).tolist() == pytest.approx(alone, rel=1e-9)


def test_it_is_due_every_so_often_and_at_the_end_and_previews_at_every_other() -> None:
    heard = Heard()
    judge = validation(heard)
    run = replace(judge.task.config, steps=7)
    judge = replace(judge, task=replace(judge.task, config=run))
    due = [step for step in range(1, 8) if judge.due(step)]
    assert due == [2, 4, 6, 7]
    for step in due:
        judge.loss(judge.task.network, step)
    assert heard.previews == [4]
