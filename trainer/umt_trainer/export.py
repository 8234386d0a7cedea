"""A trained system as bundles, which `umt convert` plays.

    OUT/bundles/encoders/SPACE.safetensors
    OUT/bundles/domains/NAME.safetensors

This is how umt's data folder is laid out: with `UMT_HOME=OUT/bundles` they are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from umt_trainer.recipe import Recipe
from umt_trainer.translation import TranslationNetwork
from umtcli.bundle import BundleInfo
from umtcli.errors import TrainingError
from umtcli.learned import write_decoder, write_encoder
from umtcli.learning import Learning


def encoder_path(folder: Path, space: str) -> Path:
    """Where the encoder of a latent space is in a folder of bundles."""
    return folder / "encoders" / f"{space.replace('/', '-')}.safetensors"


def decoder_path(folder: Path, name: str) -> Path:
    """Where a domain's decoder is in a folder of bundles."""
    return folder / "domains" / f"{name}.safetensors"


def write_bundles(
    folder: Path,
    network: TranslationNetwork,
    names: Sequence[str],
    learning: Learning,
    recipe: Recipe,
    how: str,
) -> list[BundleInfo]:
    """Write the encoder's bundle, then each decoder's; return what they say.

    Args:
        folder: for the bundles.
        network: with a decoder for each name.
        names: of the domains.
        learning: of the family.
        recipe: that was followed.
        how: the network was taught, in words.

    Raises:
        TrainingError: they cannot be written.
    """
    provenance = {"licence": "unknown", "description": "", "recipe": how, **recipe.provenance}
    try:
        encoder = write_encoder(
            encoder_path(folder, recipe.space),
            network.encoder,
            learning,
            name=recipe.space,
            provenance=provenance,
        )
        decoders = [
            write_decoder(
                decoder_path(folder, name),
                decoder,
                learning,
                name=name,
                space=encoder.space,
                provenance=provenance,
            )
            for name, decoder in zip(names, network.decoders, strict=True)
        ]
    except OSError as e:
        raise TrainingError(
            f"Cannot write the bundles in {folder}: {e.strerror}. The checkpoint is intact; make "
            "room, then run the same command again."
        ) from e
    return [encoder, *decoders]
