"""The paper's training step: who learns from what, and by which gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from frames import AFTER, BEFORE, learning_of, task
from umt_trainer.confusion import ConfusionConfig


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
    clean = t.music.clean(0, 6).wav_BT
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
    clean = t.music.clean(1, 7).wav_BT
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
    assert torch.equal(wav, t.music.clean(0, 6).wav_BT)
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
    assert torch.equal(batch.wav_BT, 2 * t.music.clean(0, 6).wav_BT)


def test_examples_do_not_depend_on_how_a_batch_is_shared() -> None:
    t = task(scored=True)
    whole, parts = t.music.clean(3, 6), [t.music.clean(n, 2) for n in (3, 5, 7)]
    assert torch.equal(whole.wav_BT, torch.cat([p.wav_BT for p in parts]))
    assert whole.others is not None
    assert len(whole.others.wav_BT) == len(whole.others.notes) == 6
    assert task().music.clean(3, 6).others is None  # nothing is mixed into music without scores
