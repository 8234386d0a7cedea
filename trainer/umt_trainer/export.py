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
from umtcli.bundle import BundleInfo, write_bundle
from umtcli.errors import TrainingError
from umtcli.learning import Learning


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
        encoder = write_bundle(
            folder / "encoders" / f"{recipe.space.replace('/', '-')}.safetensors",
            kind="encoder",
            family=learning.family,
            name=recipe.space,
            config=learning.config_of(network.encoder),
            space=learning.encoder_space(recipe.space),
            sample_rate=learning.sample_rate,
            provenance=provenance,
            tensors=network.encoder.state_dict(),
            front_end_version=learning.front_end_version,
        )
        decoders = [
            write_bundle(
                folder / "domains" / f"{name}.safetensors",
                kind="decoder",
                family=learning.family,
                name=name,
                config=learning.config_of(decoder),
                space=encoder.space,
                sample_rate=learning.sample_rate,
                provenance=provenance,
                tensors=decoder.state_dict(),
            )
            for name, decoder in zip(names, network.decoders, strict=True)
        ]
    except OSError as e:
        raise TrainingError(
            f"Cannot write the bundles in {folder}: {e.strerror}. The checkpoint is intact; make "
            "room, then run the same command again."
        ) from e
    return [encoder, *decoders]
