"""The confusion network against the paper's formula, and what it may see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from umt_trainer.confusion import ConfusionConfig, ConfusionNetwork, drop
from umtcli.errors import UsageError


def test_it_is_the_papers_formula() -> None:
    torch.manual_seed(1)
    network = ConfusionNetwork(latent_channels=5, num_domains=3, channels=7)
    latent = torch.randn(2, 5, 11)
    mean = np.zeros((2, 3))
    convs = [layer for layer in network.layers if isinstance(layer, nn.Conv1d)]
    assert len(convs) == 4
    for b in range(2):
        for f in range(11):
            x = latent[b, :, f].double().numpy()
            for n, conv in enumerate(convs):
                assert conv.bias is not None
                weight, bias = conv.weight[..., 0].detach().numpy(), conv.bias.detach().numpy()
                x = weight.astype(np.float64) @ x + bias
                x = x if n == 3 else np.where(x > 0, x, np.expm1(x))
            mean[b] += x / 11
    assert network(latent).detach().numpy() == pytest.approx(mean, abs=1e-5)


def test_its_size_is_the_papers_by_default() -> None:
    network = ConfusionNetwork(64, 6)
    sizes = [p.shape for name, p in network.named_parameters() if name.endswith("weight")]
    assert sizes == [(128, 64, 1), (128, 128, 1), (128, 128, 1), (6, 128, 1)]


def test_the_released_one_has_100_channels_and_names_its_layers_as_ours() -> None:
    shapes = {name: tuple(p.shape) for name, p in ConfusionNetwork(64, 6, 100).named_parameters()}
    assert shapes == {
        "layers.0.weight": (100, 64, 1),
        "layers.0.bias": (100,),
        "layers.2.weight": (100, 100, 1),
        "layers.2.bias": (100,),
        "layers.4.weight": (100, 100, 1),
        "layers.4.bias": (100,),
        "layers.6.weight": (6, 100, 1),
        "layers.6.bias": (6,),
    }


def test_confusion_counts_a_hundredth_by_default() -> None:
    assert ConfusionConfig().weight == 1e-2


def latents() -> Tensor:
    return torch.ones(2, 50, 40)


def test_dropout_hides_a_share_and_raises_the_rest() -> None:
    seen = drop(latents(), 0.25, 1, [0, 1])
    assert sorted({round(x, 4) for x in seen.flatten().tolist()}) == [0, 1.3333]
    assert float((seen == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
    assert drop(latents(), 0.0, 1, [0, 1]).eq(1).all()


def test_dropout_is_keyed_by_seed_and_example_not_by_the_batch() -> None:
    both = drop(latents(), 0.5, 1, [8, 9])
    assert torch.equal(both[1:], drop(latents()[:1], 0.5, 1, [9]))
    assert not torch.equal(both[0], both[1])
    assert not torch.equal(both, drop(latents(), 0.5, 2, [8, 9]))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("input_dropout", 1.0, "input_dropout is 1.0; it must be from 0 to below 1"),
        ("updates", 0, "updates is 0; it must be from 1"),
        ("rate", 0.0, "rate is 0.0; it must be above 0 and finite"),
        ("weight", -0.1, "weight is -0.1; it must be from 0 and finite"),
        ("weight", float("nan"), "weight is nan; it must be from 0 and finite"),
    ],
)
def test_a_field_out_of_range_is_named(field: str, value: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConfusionConfig(**{field: value})
