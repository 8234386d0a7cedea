"""Ships the small WaveNet system: what its run left, in 16 bits, with where it comes from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from starter.learn import LICENCE, RENDERED
from starter.lines import DOMAINS
from starter.systems import SUFFIX
from umt_domains.wavenet import WavenetFamily
from umt_trainer.recipe import read_recipe
from umtcli.bundle import BundleInfo, read_bundle
from umtcli.errors import TrainingError
from umtcli.learned import write_decoder, write_encoder

RECIPE = "trainer/recipes/wavenet-small.toml"
PLAYED = "guidance", "lead_frames"
"""Settings of decoders that are the recipe's of today: nothing that was learned depends on them."""


def ship(bundles: Path, out: Path, commit: str) -> list[BundleInfo]:
    """Write the weights of a run's bundles as they come with umt.

    Args:
        bundles: as `umt train --config wavenet-small` left them.
        out: folder for the encoder, in `encoders`, and the domains, each with `SUFFIX`.
        commit: of the code and the recipe that the run was begun with.

    Raises:
        TrainingError: the run is not at its end, or its bundles are not of one system.
        BundleError: a bundle is damaged.
    """
    ears = sorted((bundles / "encoders").glob("*.safetensors"))
    if not ears:
        raise TrainingError(f"{bundles} holds no system. It is there when the run is at its end.")
    if len(ears) > 1:
        raise TrainingError(f"{bundles} holds {len(ears)} encoders; a system has one.")
    ear = read_bundle(ears[0], "encoder")
    learning = WavenetFamily().learning(ear.info.config)
    decoders = read_recipe(Path("wavenet-small"), dict.fromkeys(DOMAINS, bundles)).decoder
    played = {setting: decoders[setting] for setting in PLAYED}
    how = f"{RECIPE} at commit {commit}, {ear.info.provenance['recipe']}"
    common = {
        "licence": LICENCE,
        "author": "the umt developers",
        "data": f"single lines {RENDERED}",
        "recipe": how,
    }
    encoder = write_encoder(
        out / "encoders" / ears[0].name,
        learning.from_bundle(ear),
        learning,
        name=ear.info.name,
        provenance=common | {"description": "Hears single lines, at 8 kHz"},
        half=True,
    )
    shipped = [encoder]
    for name in DOMAINS:
        decoder = read_bundle(bundles / "domains" / f"{name}.safetensors", "decoder")
        if decoder.info.space != ear.info.space:
            there, here = decoder.info.space, ear.info.space
            raise TrainingError(f"{decoder.info.path} is on the encoder {there}, not on {here}.")
        info = replace(decoder.info, config={**decoder.info.config, **played})
        description = (
            f"{name.capitalize()}, single lines of E3 to A5 up to 4 kHz, by a small WaveNet"
        )
        shipped.append(
            write_decoder(
                out / f"{name}{SUFFIX}.safetensors",
                learning.from_bundle(replace(decoder, info=info)),
                learning,
                name=name + SUFFIX,
                space=encoder.space,
                provenance=common | {"description": description},
                half=True,
            )
        )
    return shipped
