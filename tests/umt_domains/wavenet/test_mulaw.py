"""µ-law is the published formula, for every class."""

from __future__ import annotations

import math

import pytest
import torch

from umt_domains.wavenet import mulaw
from wavenet_reference import mulaw_decode, mulaw_encode, network_input


def class_edge(q: int) -> float:
    """The smallest x of class q: where (y + 1) / 2 · 255 is q."""
    y = 2 * q / 255 - 1
    return math.copysign((256 ** abs(y) - 1) / 255, y)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_every_class_is_heard_from_edge_to_edge(share: float) -> None:
    inside = [class_edge(q) + share * (class_edge(q + 1) - class_edge(q)) for q in range(255)]
    assert [mulaw_encode(x) for x in inside] == list(range(255))  # the reference agrees
    assert mulaw.encode(torch.tensor(inside)).tolist() == list(range(255))


def test_full_scale_and_beyond_are_the_outermost_classes() -> None:
    wav = torch.tensor([1.0, 1.5, torch.inf, -1.0, -7.0, -torch.inf])
    assert mulaw.encode(wav).tolist() == [255, 255, 255, 0, 0, 0]


def test_every_class_plays_as_the_formula_says() -> None:
    played = mulaw.decode(torch.arange(256))
    assert played.dtype == torch.float32
    wanted = torch.tensor([mulaw_decode(q) for q in range(256)])
    torch.testing.assert_close(played, wanted, rtol=2e-6, atol=0)


def test_the_networks_see_what_the_formula_says() -> None:
    seen = mulaw.as_input(torch.arange(256))
    torch.testing.assert_close(seen, torch.tensor([network_input(q) for q in range(256)]))


def test_hearing_what_was_played_gives_the_class_below() -> None:
    classes = torch.arange(1, 256)
    assert torch.equal(mulaw.encode(mulaw.decode(classes)), classes - 1)


def test_any_shape_goes_through() -> None:
    assert mulaw.encode(torch.zeros(2, 0, 3)).shape == (2, 0, 3)
    assert mulaw.decode(torch.zeros(2, 3, dtype=torch.int64)).shape == (2, 3)
