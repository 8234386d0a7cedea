"""The published names and shapes, at the published sizes, are those of our networks."""

from __future__ import annotations

import argparse

import pytest
import torch
from torch import Tensor

from umt_domains.wavenet.config import DecoderConfig, EncoderConfig
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.encoder import EncoderNetwork
from umt_domains.wavenet.fair_names import decoder_tensors, encoder_tensors, read_sizes

Shapes = dict[str, tuple[int, ...]]

PUBLISHED = {
    "encoder_blocks": 3,
    "encoder_layers": 10,
    "encoder_channels": 128,
    "encoder_func": "relu",
    "latent_d": 64,
    "blocks": 4,
    "layers": 14,
    "kernel_size": 2,
    "residual_channels": 128,
    "skip_channels": 128,
    "d_layers": 3,
    "d_channels": 100,
}


def convolution(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def published_encoder() -> Shapes:
    """`encoder_state` of a published file."""
    shapes = convolution("start", 128, 1, 3)
    for i in range(30):
        shapes |= convolution(f"dilated_convs.{i}.dilated_conv", 128, 128, 3)
        shapes |= convolution(f"dilated_convs.{i}.conv_1x1", 128, 128, 1)
    return shapes | convolution("conv_1x1", 64, 128, 1)


def published_decoder(layers: int) -> Shapes:
    """`decoder_state` of a published file, of 4 blocks."""
    shapes = convolution("first_conv", 128, 1, 2) | convolution("skip_conv", 128, 128, 1)
    for i in range(4 * layers):
        shapes |= convolution(f"layers.{i}.causal", 256, 128, 2)
        shapes |= convolution(f"layers.{i}.condition", 256, 64, 1)
        shapes |= convolution(f"layers.{i}.residual", 128, 128, 1)
        shapes |= convolution(f"layers.{i}.skip", 128, 128, 1)
    shapes |= convolution("condition", 128, 64, 1) | convolution("fc", 128, 128, 1)
    return shapes | convolution("logits", 256, 128, 1)


def of_shapes(shapes: Shapes) -> dict[str, Tensor]:
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


def count(tensors: dict[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def test_the_published_encoder_fills_ours_to_the_last_parameter() -> None:
    state = of_shapes(published_encoder())
    tensors = encoder_tensors(state, EncoderConfig())
    EncoderNetwork(EncoderConfig()).load_state_dict(tensors)
    assert count(tensors) == count(state)
    assert round(count(state) / 1e6, 2) == 1.98


@pytest.mark.parametrize(("layers", "millions"), [(10, 4.69), (14, 6.54)])
def test_the_published_decoder_fills_ours_to_the_last_parameter(
    layers: int, millions: float
) -> None:
    config = DecoderConfig(layers=layers)
    state = of_shapes(published_decoder(layers))
    tensors = decoder_tensors(state, config)
    DecoderNetwork(config).load_state_dict(tensors)
    assert count(tensors) == count(state)
    assert round(count(state) / 1e6, 2) == millions


def test_the_published_settings_are_the_papers_sizes_with_14_layers() -> None:
    encoder, decoder = read_sizes([argparse.Namespace(**PUBLISHED), 1])
    assert encoder == EncoderConfig()  # a missing encoder_pool is 800
    assert decoder == DecoderConfig(layers=14)
