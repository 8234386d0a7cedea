"""The paper's training step: who learns from what, and by which gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.confusion import ConfusionConfig, ConfusionNetwork
from umt_trainer.data import Recording
from umt_trainer.loop import train
from umt_trainer.translation import Domain, TranslationNetwork, TranslationTask
from umtcli.errors import TrainingError
from umtcli.learning import Batch

HOP, BEFORE, AFTER = 4, 3, 2
CONFIG = RunConfig(
    steps=6, batch_size=6, crop_s=0.06, shards=2, learning_rate=0.01, schedule="decay",
    decay=0.5, decay_examples=12, weight_decay=0.0, warmup_steps=1, checkpoint_every_s=0.0,
)  # fmt: skip


@dataclass
class Frames:
    """A family whose latents and audio are linear in each other, frame by frame."""

    family: str = "frames"
    front_end_version: int = 1
    sample_rate: int = 1000
    hop_samples: int = HOP
    distortion: dict[str, float] = field(default_factory=dict)
    played: list[tuple[nn.Module, Tensor, Tensor]] = field(default_factory=list)
    heard: list[tuple[Tensor, bool]] = field(default_factory=list)
    scored: list[Batch] = field(default_factory=list)

    def context_frames(self, decoder: nn.Module) -> tuple[int, int]:
        return BEFORE, AFTER

    def config_of(self, network: nn.Module) -> Mapping[str, Any]:
        return {"size": sum(p.numel() for p in network.parameters())}

    def encode(self, encoder: nn.Module, wav_BT: Tensor) -> Tensor:
        self.heard.append((wav_BT, torch.is_grad_enabled()))
        latents: Tensor = encoder(wav_BT.unflatten(-1, (-1, HOP))).transpose(1, 2)
        return latents

    def rehear(self, wav_T: Tensor, seed: int, number: int) -> Tensor:
        return -wav_T

    def teachable(self, heard_CF: Tensor, clean_CF: Tensor) -> Tensor:
        return torch.cat([heard_CF[:-1], clean_CF[-1:]])

    def distort(self, batch: Batch, seed: int, background: list[Tensor]) -> Batch:
        return replace(batch, wav_BT=2 * batch.wav_BT)

    def encoder_loss(self, encoder: nn.Module, batch: Batch) -> dict[str, Tensor]:
        self.scored.append(batch)
        return {"score": next(encoder.parameters()).square().sum()}

    def decoder_loss(
        self, decoder: nn.Module, latents_BCF: Tensor, wav_BT: Tensor
    ) -> dict[str, Tensor]:
        self.played.append((decoder, latents_BCF, wav_BT))
        inside = latents_BCF[..., BEFORE:-AFTER].transpose(1, 2)
        return {"error": (decoder(inside).flatten(1) - wav_BT).square().mean()}


def recording(number: int, scored: bool = False) -> Recording:
    """Noise around a level that tells the domain."""
    wav = np.random.default_rng(number).integers(-3000, 3000, 300) + 4000 * number
    notes = np.array([[0.0, 9.0, 60.0, 0.0]]) if scored else None
    return Recording(wav.astype(np.int16), notes)


def task(num_domains: int = 3, scored: bool = False, **changes: Any) -> TranslationTask:
    torch.manual_seed(0)
    decoders = [nn.Linear(2, HOP) for _ in range(num_domains)]
    network = TranslationNetwork(nn.Linear(HOP, 2), decoders, ConfusionNetwork(2, num_domains, 8))
    domains = [Domain(f"d{n}", [recording(n, scored)]) for n in range(num_domains)]
    return replace(TranslationTask(network, Frames(), domains, CONFIG), **changes)


def learning_of(task: TranslationTask) -> Frames:
    assert isinstance(task.learning, Frames)
    return task.learning


def gradients(losses: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor | None]:
    total = sum((v for k, v in losses.items() if not k.startswith("_")), torch.zeros(()))
    named = dict(network.named_parameters())
    return dict(
        zip(named, torch.autograd.grad(total, list(named.values()), allow_unused=True), strict=True)
    )


def learned(losses: dict[str, Tensor]) -> set[str]:
    return {name for name in losses if not name.startswith("_")}


def test_the_classifier_hears_clean_music_and_teaches_nobody_else() -> None:
    t = task()
    found = gradients(t.guessing(0, 6), t.network)
    assert all((g is not None) == name.startswith("confusion") for name, g in found.items())
    ((wav, with_gradient),) = learning_of(t).heard
    assert not with_gradient
    assert [round(x / 4000) for x in (wav.mean(1) * 32768).tolist()] == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize("distorted", [True, False])
def test_clean_music_is_heard_once_a_step_and_not_kept(distorted: bool) -> None:
    t, alone = task(distorted=distorted), task(distorted=distorted)
    t.guessing(0, 6)
    after = t.playing(0, 6)
    clean = t._examples(0, 6).wav_BT
    heard = [wav for wav, with_gradient in learning_of(t).heard if not with_gradient]
    assert [torch.equal(wav, clean) for wav in heard] == [True]
    # by itself the second update hears it anew, and comes to the same
    for name, loss in alone.playing(0, 6).items():
        assert torch.equal(loss, after[name]), name
    assert not t._heard


def test_the_classifiers_loss_is_the_cross_entropy_of_the_domains() -> None:
    t = task()
    losses = t.guessing(4, 6)
    wav = learning_of(t).heard[0][0]
    logits = t.network.confusion(t.learning.encode(t.network.encoder, wav))
    wanted = torch.tensor([1, 2, 0, 1, 2, 0])
    chances = logits.softmax(1)[torch.arange(6), wanted]
    assert losses["guess"].item() == pytest.approx(-chances.log().mean().item(), rel=1e-5)
    right = (logits.argmax(1) == wanted).float().mean().item()
    assert losses["_guessed"].item() == pytest.approx(right)


def test_each_decoder_plays_its_own_domain_from_distorted_to_clean() -> None:
    t = task()
    losses = t.playing(1, 7)
    clean = t._examples(1, 7).wav_BT
    assert [len(wav) for _, _, wav in learning_of(t).played] == [2, 3, 2]
    errors = []
    for number in range(7):
        which = (number + 1) % 3
        decoder, latents, wavs = learning_of(t).played[which]
        assert decoder is t.network.decoders[which]
        place = len([n for n in range(number) if (n + 1) % 3 == which])
        assert torch.equal(wavs[place], clean[number])
        (heard,) = t.learning.encode(t.network.encoder, -clean[number : number + 1])
        (known,) = t.learning.encode(t.network.encoder, clean[number : number + 1])
        inside = latents[place][:, BEFORE:-AFTER]
        assert torch.allclose(inside, t.learning.teachable(heard, known))
        assert not latents[place][:, :BEFORE].any()  # silence around an example
        assert not latents[place][:, -AFTER:].any()
        played = decoder(inside.T).flatten()
        errors.append((played - clean[number]).square().mean().item())
    assert losses["error"].item() == pytest.approx(np.mean(errors), rel=1e-5)
    for which in range(3):
        own = [error for number, error in enumerate(errors) if (number + 1) % 3 == which]
        assert losses[f"_loss/d{which}"].item() == pytest.approx(np.mean(own), rel=1e-5)


def test_a_domain_without_examples_has_no_measure_and_still_its_name() -> None:
    losses = task().playing(1, 2)
    assert losses["_loss/d0"].isnan()
    assert not losses["_loss/d1"].isnan()


def test_the_encoder_may_hear_the_music_as_it_is() -> None:
    t = task(distorted=False)
    t.playing(0, 6)
    wav, with_gradient = learning_of(t).heard[-1]
    assert torch.equal(wav, t._examples(0, 6).wav_BT)
    assert with_gradient
    assert t.identity() != task().identity()


def test_confusion_is_minus_lambda_times_the_cross_entropy_and_scores_do_not_matter() -> None:
    t = task(confusion=ConfusionConfig(weight=0.5))
    losses = t.playing(0, 6)
    latents = [learning_of(t).played[n % 3][1][n // 3][:, BEFORE:-AFTER] for n in range(6)]
    guess = nn.functional.cross_entropy(
        t.network.confusion(torch.stack(latents)), torch.arange(6) % 3
    )
    assert losses["confusion"].item() == pytest.approx(-0.5 * guess.item(), rel=1e-5)
    assert learned(losses) == {"error", "confusion"}


def test_music_with_scores_teaches_the_encoder_what_its_family_wants() -> None:
    t = task(scored=True)
    assert learned(t.playing(0, 6)) == {"error", "confusion", "score"}
    (batch,) = learning_of(t).scored
    assert torch.equal(batch.wav_BT, 2 * t._examples(0, 6).wav_BT)


def test_examples_do_not_depend_on_how_a_batch_is_shared() -> None:
    t = task(scored=True)
    whole, parts = t._examples(3, 6), [t._examples(n, 2) for n in (3, 5, 7)]
    assert torch.equal(whole.wav_BT, torch.cat([p.wav_BT for p in parts]))
    assert whole.others is not None
    assert len(whole.others.wav_BT) == len(whole.others.notes) == 6
    assert task()._examples(3, 6).others is None  # nothing is mixed into music without scores


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

    class Stopped(Exception):
        pass

    def stop(step: int, losses: dict[str, float]) -> None:
        del losses
        if step == 3:
            raise Stopped

    with pytest.raises(Stopped):
        train(task(), CONFIG, tmp_path / "parts.pt", stop)
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
