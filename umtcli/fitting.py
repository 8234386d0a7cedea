"""Whether a bundle fits: the encoder beside it, its family's code, the network it is for.

`umtcli.bundle` refuses files that are damaged. Here whole ones are refused that belong to
something else, and the message says to what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from umtcli.bundle import Bundle, BundleInfo
from umtcli.errors import BundleError, SpaceMismatch

if TYPE_CHECKING:
    from torch.nn import Module


def check_space(decoder: BundleInfo, encoder: BundleInfo) -> None:
    """Refuse a decoder on an encoder whose latents it was not trained on.

    Raises:
        SpaceMismatch: naming both fingerprints.
    """
    if decoder.space.fingerprint != encoder.space.fingerprint:
        raise SpaceMismatch(
            f"{decoder.path.name} was trained on the latent space {decoder.space}, "
            f"but {encoder.path.name} emits {encoder.space}. "
            "Install the encoder it was trained on, or train the domain again."
        )


def check_front_end(encoder: BundleInfo, *implemented: int) -> None:
    """Refuse an encoder that was trained behind a front end that its family has not.

    A family calls this before it builds an encoder: what comes before the network (a
    spectrum, a companding) is code, so another version of it would give other latents
    under the same fingerprint.

    Args:
        encoder: the encoder's metadata.
        implemented: the front-end versions that the family's code has.

    Raises:
        BundleError: naming the version that it needs and those that there are.
    """
    if encoder.front_end_version not in implemented:
        versions = " and ".join(map(str, implemented))
        have = f"version {versions} is" if len(implemented) == 1 else f"versions {versions} are"
        raise BundleError(
            f"{encoder.path} needs version {encoder.front_end_version} of the {encoder.family} "
            f"family's front end, but {have} installed. Update the older of the two."
        )


def load_weights(network: Module, bundle: Bundle) -> None:
    """Give a network the weights of a bundle.

    Raises:
        BundleError: they do not fit: it was made by another version of its family.
    """
    try:
        network.load_state_dict(dict(bundle.tensors))
    except RuntimeError as e:
        raise BundleError(
            f"{bundle.info.path} was made by another version of the {bundle.info.family} family: "
            "its weights do not fit. Update umt, or train it again."
        ) from e
