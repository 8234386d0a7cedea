"""What was learned, as bundles: all that a family's `Learning` knows of them, it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from umtcli.bundle import BundleInfo, write_bundle
from umtcli.domain import LatentSpace
from umtcli.learning import Learning

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def write_encoder(
    path: Path,
    network: Module,
    learning: Learning,
    *,
    name: str,
    provenance: Mapping[str, str],
    half: bool = False,
) -> BundleInfo:
    """Write an encoder's bundle; it gives its latent space a fingerprint.

    Args:
        path: the file to write.
        network: of the encoder.
        learning: of its family.
        name: of its latent space.
        provenance: licence, description, data, recipe, …
        half: whether to store the weights in 16 bits.

    Raises:
        OSError: the file cannot be written.
    """
    return write_bundle(
        path,
        kind="encoder",
        family=learning.family,
        name=name,
        config=learning.config_of(network),
        space=learning.encoder_space(name),
        sample_rate=learning.sample_rate,
        provenance=provenance,
        tensors=_weights(network, half=half),
        front_end_version=learning.front_end_version,
    )


def write_decoder(
    path: Path,
    network: Module,
    learning: Learning,
    *,
    name: str,
    space: LatentSpace,
    provenance: Mapping[str, str],
    half: bool = False,
) -> BundleInfo:
    """Write a decoder's bundle.

    Args:
        path: the file to write.
        network: of the decoder.
        learning: of its family.
        name: of the domain.
        space: of the encoder that it was trained on, with its fingerprint.
        provenance: licence, description, data, recipe, …
        half: whether to store the weights in 16 bits.

    Raises:
        OSError: the file cannot be written.
    """
    return write_bundle(
        path,
        kind="decoder",
        family=learning.family,
        name=name,
        config=learning.config_of(network),
        space=space,
        sample_rate=learning.sample_rate,
        provenance=provenance,
        tensors=_weights(network, half=half),
    )


def _weights(network: Module, *, half: bool) -> Mapping[str, Tensor]:
    weights: Mapping[str, Tensor] = network.state_dict()
    return {name: tensor.half() for name, tensor in weights.items()} if half else weights
