"""A tiny zip in the layout of the authors' `pretrained_musicnet.zip`, made of random numbers.

Written as PyTorch 1.0.1 wrote the real one: pickles in the legacy serialization, settings
in an argparse.Namespace with pathlib paths, optimizer and discriminator states beside the
weights, storages of a GPU.
"""

from __future__ import annotations

import argparse
import io
import os
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor

State = dict[str, Any]

SIZES = {
    "encoder_blocks": 2,
    "encoder_layers": 3,
    "encoder_channels": 6,
    "encoder_func": "relu",
    "latent_d": 4,
    "blocks": 2,
    "layers": 3,
    "kernel_size": 2,
    "residual_channels": 8,
    "skip_channels": 16,
    "d_layers": 3,
    "d_channels": 5,
}


def settings(**changed: Any) -> list[Any]:
    """What `args.pth` holds; `None` removes a setting."""
    given = {k: v for k, v in {**SIZES, **changed}.items() if v is not None}
    paths = {"data": [Path("musicnet/parsed/Bach_Solo_Cello")], "checkpoint": Path("checkpoints")}
    return [argparse.Namespace(**given, **paths, expName="musicnet", lr=1e-3), 97]


def convolution(name: str, num_out: int, num_in: int, width: int) -> OrderedDict[str, Tensor]:
    bound = (num_in * width) ** -0.5
    weight = torch.empty(num_out, num_in, width).uniform_(-bound, bound)
    bias = torch.empty(num_out).uniform_(-0.5, 0.5)
    return OrderedDict({f"{name}.weight": weight, f"{name}.bias": bias})


def as_of_a_module(state: OrderedDict[str, Tensor]) -> OrderedDict[str, Tensor]:
    """With the attribute that `Module.state_dict` adds, and pickle keeps."""
    modules = {name.rpartition(".")[0] for name in state}
    state._metadata = OrderedDict((name, {"version": 1}) for name in ("", *sorted(modules)))
    return state


def encoder_state() -> OrderedDict[str, Tensor]:
    channels = SIZES["encoder_channels"]
    state = convolution("start", channels, 1, 3)
    for i in range(SIZES["encoder_blocks"] * SIZES["encoder_layers"]):
        state |= convolution(f"dilated_convs.{i}.dilated_conv", channels, channels, 3)
        state |= convolution(f"dilated_convs.{i}.conv_1x1", channels, channels, 1)
    return as_of_a_module(state | convolution("conv_1x1", SIZES["latent_d"], channels, 1))


def decoder_state() -> OrderedDict[str, Tensor]:
    residual, skip, latent = (SIZES[k] for k in ("residual_channels", "skip_channels", "latent_d"))
    state = convolution("first_conv", residual, 1, 2) | convolution("skip_conv", skip, residual, 1)
    for i in range(SIZES["blocks"] * SIZES["layers"]):
        state |= convolution(f"layers.{i}.causal", 2 * residual, residual, 2)
        state |= convolution(f"layers.{i}.condition", 2 * residual, latent, 1)
        state |= convolution(f"layers.{i}.residual", residual, residual, 1)
        state |= convolution(f"layers.{i}.skip", skip, residual, 1)
    state |= convolution("fc", skip, skip, 1) | convolution("logits", 256, skip, 1)
    return as_of_a_module(state | convolution("condition", skip, latent, 1))


def discriminator_state() -> OrderedDict[str, Tensor]:
    channels = SIZES["d_channels"]
    state = convolution("convs.0", channels, SIZES["latent_d"], 1)
    for i in (2, 4):
        state |= convolution(f"convs.{i}", channels, channels, 1)
    return as_of_a_module(state | convolution("convs.6", 6, channels, 1))


def optimizer_state(weights: OrderedDict[str, Tensor]) -> State:
    """Of an Adam that has made one step."""
    parameters = [tensor.clone().requires_grad_() for tensor in weights.values()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    sum(p.sum() for p in parameters).backward()
    optimizer.step()
    return optimizer.state_dict()


def models(seed: int = 0) -> list[State]:
    """What `bestmodel_0.pth` … `bestmodel_5.pth` hold."""
    torch.manual_seed(seed)
    encoder = encoder_state()
    states = []
    for _ in range(6):
        decoder, discriminator = decoder_state(), discriminator_state()
        states.append(
            {
                "encoder_state": encoder,
                "decoder_state": decoder,
                "discriminator_state": discriminator,
                "model_optimizer_state": optimizer_state(encoder | decoder),
                "d_optimizer_state": optimizer_state(discriminator),
            }
        )
    return states


def saved(value: Any) -> bytes:
    """A value in PyTorch's legacy serialization, its tensors as if from a GPU."""
    buffer = io.BytesIO()
    with mock.patch("torch.serialization.location_tag", return_value="cuda:0"):
        torch.save(value, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


class Hostile:
    """Unpickling it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def understate(path: Path, size: int) -> None:
    """Let a zip say of its member of this unpacked size that it has 100 bytes."""
    honest = path.read_bytes()
    # the unpacked size stands in the local header and in the directory
    assert honest.count(struct.pack("<I", size)) == 2
    path.write_bytes(honest.replace(struct.pack("<I", size), struct.pack("<I", 100)))


def members(args: list[Any] | None = None, best: list[State] | None = None) -> dict[str, bytes]:
    """The files of a whole zip; the `last` models differ from the `best`."""
    files = {"args.pth": saved(args or settings())}
    for which, states in (("best", best or models(seed=0)), ("last", models(seed=1))):
        files |= {f"{which}model_{k}.pth": saved(state) for k, state in enumerate(states)}
    return files


def write_zip(path: Path, files: dict[str, bytes], folder: str = "pretrained_musicnet/") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(folder + name, data)
    return path


def installed(home: Path) -> list[str]:
    """The files in a data folder."""
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file())
