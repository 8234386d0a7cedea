"""The authors' weights under our names, with every size checked.

theirs                                  ours
start, conv_1x1                         start, project
dilated_convs.i.dilated_conv, conv_1x1  layers.i.dilated, mix
first_conv, skip_conv                   first, first_skip
layers.i.causal, condition              layers.i.dilated, condition
layers.i.residual, skip                 layers.i.out, one above the other
condition, fc, logits                   condition, fc, logits
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from umt_domains.wavenet.config import HOP_SAMPLES, NUM_CLASSES, DecoderConfig, EncoderConfig
from umt_domains.wavenet.fair_files import FairError, table

_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def read_sizes(args: Any) -> tuple[EncoderConfig, DecoderConfig]:
    """The sizes in `args.pth`.

    Args:
        args: what the file holds.

    Raises:
        FairError: they are missing, or not sizes of the paper's networks.
    """
    if not isinstance(args, list) or not args or not isinstance(args[0], argparse.Namespace):
        raise FairError("args.pth does not begin with the authors' settings.")
    given = vars(args[0])
    try:
        kernel, activation = given["kernel_size"], given.get("encoder_func", "relu")
        # tensors, too, can be compared with numbers
        if type(kernel) is not int or kernel != 2 or activation != "relu":
            raise FairError("args.pth asks for another kernel or activation than the paper's.")
        hop = given.get("encoder_pool", HOP_SAMPLES)
        encoder = EncoderConfig(
            blocks=given["encoder_blocks"],
            layers=given["encoder_layers"],
            channels=given["encoder_channels"],
            latent_channels=given["latent_d"],
            hop_samples=hop,
        )
        decoder = DecoderConfig(
            blocks=given["blocks"],
            layers=given["layers"],
            residual_channels=given["residual_channels"],
            skip_channels=given["skip_channels"],
            latent_channels=given["latent_d"],
            hop_samples=hop,
        )
    except KeyError as e:
        raise FairError(f"args.pth lacks the size {e}.") from e
    except ValueError as e:
        raise FairError(f"args.pth asks for what cannot be built: {e}.") from e
    return encoder, decoder


def encoder_tensors(state: Any, config: EncoderConfig) -> dict[str, Tensor]:
    """Their encoder's weights as ours.

    Raises:
        FairError: a weight is missing, superfluous, of another shape or not finite.
    """
    channels = config.channels
    shapes = _conv("start", channels, 1, 3)
    shapes |= _conv("conv_1x1", config.latent_channels, channels, 1)
    names = {"start": "start", "conv_1x1": "project"}
    for i in range(len(config.dilations)):
        theirs = f"dilated_convs.{i}"
        shapes |= _conv(f"{theirs}.dilated_conv", channels, channels, 3)
        shapes |= _conv(f"{theirs}.conv_1x1", channels, channels, 1)
        names |= {f"{theirs}.dilated_conv": f"layers.{i}.dilated"}
        names |= {f"{theirs}.conv_1x1": f"layers.{i}.mix"}
    return _renamed(_checked(state, shapes, "encoder_state"), names)


def decoder_tensors(state: Any, config: DecoderConfig) -> dict[str, Tensor]:
    """Their decoder's weights as ours.

    Raises:
        FairError: a weight is missing, superfluous, of another shape or not finite.
    """
    residual, skip, latent = config.residual_channels, config.skip_channels, config.latent_channels
    shapes = _conv("first_conv", residual, 1, 2) | _conv("skip_conv", skip, residual, 1)
    shapes |= _conv("condition", skip, latent, 1) | _conv("fc", skip, skip, 1)
    shapes |= _conv("logits", NUM_CLASSES, skip, 1)
    names = {"first_conv": "first", "skip_conv": "first_skip"}
    names |= {name: name for name in ("condition", "fc", "logits")}
    for i in range(len(config.dilations)):
        layer = f"layers.{i}"
        shapes |= _conv(f"{layer}.causal", 2 * residual, residual, 2)
        shapes |= _conv(f"{layer}.condition", 2 * residual, latent, 1)
        shapes |= _conv(f"{layer}.residual", residual, residual, 1)
        shapes |= _conv(f"{layer}.skip", skip, residual, 1)
        names |= {f"{layer}.causal": f"{layer}.dilated"}
        names |= {f"{layer}.condition": f"{layer}.condition"}
    checked = _checked(state, shapes, "decoder_state")
    tensors = _renamed(checked, names)
    for i in range(len(config.dilations)):
        for kind in ("weight", "bias"):
            parts = [checked[f"layers.{i}.{part}.{kind}"] for part in ("residual", "skip")]
            tensors[f"layers.{i}.out.{kind}"] = torch.cat(parts)
    return tensors


def _conv(name: str, num_out: int, num_in: int, width: int) -> dict[str, tuple[int, ...]]:
    """The shapes of one convolution's weights."""
    return {f"{name}.weight": (num_out, num_in, width), f"{name}.bias": (num_out,)}


def _renamed(tensors: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    return {
        f"{ours}.{kind}": tensors[f"{theirs}.{kind}"]
        for theirs, ours in names.items()
        for kind in ("weight", "bias")
    }


def _checked(state: Any, shapes: Mapping[str, tuple[int, ...]], where: str) -> dict[str, Tensor]:
    """The named tensors of a state as float32, after a look at each."""
    given = table(state, where)
    for name in given:
        # what we have no place for would be left out in silence
        if name not in shapes:
            raise FairError(
                f"{where} has {name[:60]!r}, which the sizes in args.pth have no place for."
            )
    tensors = {}
    for name, shape in shapes.items():
        tensor = given.get(name)
        if not isinstance(tensor, Tensor) or not _is_plain(tensor):
            raise FairError(f"{where} has no plain weights named {name}.")
        if tensor.shape != shape:
            raise FairError(
                f"{where} has {name} of the shape {tuple(tensor.shape)}, not {shape} as the "
                "sizes in args.pth want it."
            )
        # copied before it is looked at: what float64 can hold may be too large for float32
        tensors[name] = torch.empty(shape).copy_(tensor.detach())
        if not tensors[name].isfinite().all():
            raise FairError(f"{where} has numbers in {name} that are not finite in float32.")
    return tensors


def _is_plain(tensor: Tensor) -> bool:
    """Whether every number is in memory, one beside the other: not sparse, not on meta."""
    in_memory = tensor.layout is torch.strided and tensor.device.type == "cpu"
    return in_memory and not tensor.is_nested and tensor.dtype in _DTYPES
