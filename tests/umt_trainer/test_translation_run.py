"""A run of the paper's training steps: what is updated, what is kept, what it is told by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from frames import CONFIG, HOP, Frames, learning_of, task
from interrupted import Stopped, stop_at
from umt_trainer.config import HearingConfig, RunConfig
from umt_trainer.confusion import ConfusionConfig, ConfusionNetwork
from umt_trainer.loop import train
from umt_trainer.translation import TranslationNetwork, TranslationTask
from umtcli.errors import TrainingError


def trained(t: TranslationTask, path: Path, config: RunConfig = CONFIG) -> dict[str, Tensor]:
    network = train(replace(t, config=config), config, path, lambda *_: None)
    return network.state_dict()


def test_the_classifier_is_updated_alone_and_the_others_without_it(tmp_path: Path) -> None:
    t = task()
    before = {name: p.clone() for name, p in t.network.state_dict().items()}
    confusion, autoencoders = t.phases()
    assert (confusion.name, autoencoders.name) == ("confusion", "autoencoders")
    learned = {id(p) for phase in t.phases() for p in phase.learned}
    assert learned == {id(p) for p in t.network.parameters()}
    assert len(confusion.learned) + len(autoencoders.learned) == len(learned)
    trained(t, tmp_path / "c.pt")
    after = t.network.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in before)


def test_a_run_that_was_stopped_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = trained(task(), tmp_path / "whole.pt")

    with pytest.raises(Stopped):
        train(task(), CONFIG, tmp_path / "parts.pt", stop_at(3))
    resumed = trained(task(), tmp_path / "parts.pt")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_learning_rate_decays_for_both_optimizers(tmp_path: Path) -> None:
    trained(task(), tmp_path / "c.pt")
    optimizers = torch.load(tmp_path / "c.pt", weights_only=True)["optimizers"]
    rates = {name: state["param_groups"][0]["lr"] for name, state in optimizers.items()}
    # the last step begins after 30 examples: two whole dozens
    assert rates == {"confusion": 0.0025, "autoencoders": 0.0025}


def test_the_classifier_may_learn_more_often_at_its_own_rate(tmp_path: Path) -> None:
    t = task(confusion=ConfusionConfig(updates=3, rate=0.5))
    trained(t, tmp_path / "c.pt", replace(CONFIG, steps=1, shards=1))
    optimizers = torch.load(tmp_path / "c.pt", weights_only=True)["optimizers"]
    groups = {name: state["param_groups"][0]["lr"] for name, state in optimizers.items()}
    assert groups == {"confusion": 0.005, "autoencoders": 0.01}
    steps = {name: float(state["state"][0]["step"]) for name, state in optimizers.items()}
    assert steps == {"confusion": 3, "autoencoders": 1}
    first, second, third = [wav for wav, with_gradient in learning_of(t).heard[:3]]
    for again in (second, third):  # other music, of the same domains
        assert not torch.equal(first, again)
        assert [round(x / 4000) for x in (again.mean(1) * 32768).tolist()] == [0, 1, 2, 0, 1, 2]


def test_the_encoder_may_learn_more_slowly(tmp_path: Path) -> None:
    t = task(hearing=HearingConfig(rate=0.2, warmup_steps=2))
    before = {name: p.clone() for name, p in t.network.state_dict().items()}
    trained(t, tmp_path / "c.pt", replace(CONFIG, steps=1))
    # Adam's first step is as long as the learning rate, whatever the gradient
    for name, after in t.network.state_dict().items():
        rate = 0.001 if name.startswith("encoder") else 0.01
        moved = (after - before[name]).abs()
        assert moved.max().item() == pytest.approx(rate, rel=1e-3), name


def test_a_decoder_without_examples_in_a_step_stays_as_it_is(tmp_path: Path) -> None:
    t = task()
    before = t.network.decoders[2].state_dict()["weight"].clone()
    config = replace(CONFIG, steps=1, batch_size=2, shards=1)
    trained(t, tmp_path / "c.pt", config)
    assert torch.equal(t.network.decoders[2].state_dict()["weight"], before)


def test_what_bears_on_the_result_is_in_the_identity() -> None:
    t = task()
    assert t.identity() == task().identity()
    wide = TranslationNetwork(
        nn.Linear(HOP, 2), list(t.network.decoders), ConfusionNetwork(2, 3, 9)
    )
    others = {
        "confusion": [replace(t, confusion=ConfusionConfig(weight=0.0)), replace(t, network=wide)],
        "domains": [
            replace(t, domains=[replace(t.domains[0], name="x"), *t.domains[1:]]),
            replace(t, domains=t.domains[::-1]),  # decoders are kept by order
        ],
        "family": [replace(t, learning=Frames(family="other"))],
    }
    louder = replace(t, learning=Frames(distortion={"louder": 2.0}))
    drums = replace(t, background=[torch.ones(3)])
    assert drums.identity().keys() - t.identity().keys() == {"background"}
    assert drums.identity() != replace(t, background=[torch.zeros(3)]).identity()
    assert louder.identity() == t.identity() | {"distortion": {"louder": 2.0}}
    for name, tasks in others.items():
        for other in tasks:
            theirs, own = other.identity(), t.identity()
            assert {k for k in own if theirs[k] != own[k]} == {name}


def test_domains_and_decoders_must_match_and_be_several() -> None:
    t = task()
    with pytest.raises(TrainingError, match="There are 2 domains, but 3 decoders"):
        replace(t, domains=t.domains[:2])
    with pytest.raises(TrainingError, match="two or more domains"):
        replace(t, domains=t.domains[:1])
