"""What torch's layers leave to be said about their parameters."""

from __future__ import annotations

from torch import Tensor, nn


def bias_of(layer: nn.Conv1d | nn.Conv2d) -> Tensor:
    """The bias of a convolution that was built with one: torch calls it optional."""
    assert layer.bias is not None
    return layer.bias
