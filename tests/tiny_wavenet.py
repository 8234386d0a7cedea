"""A wavenet that has learned nothing, so small that it is played in no time."""

from __future__ import annotations

from pathlib import Path

import torch

from umt_domains.wavenet import WavenetFamily
from umtcli.catalog import Catalog
from umtcli.domain import Domain
from umtcli.learned import write_decoder, write_encoder

PROVENANCE = {"licence": "CC0-1.0", "description": "untrained", "data": "none", "recipe": "none"}


def untrained(folder: Path, *, layers: int, channels: int, hop_samples: int) -> Catalog:
    """An encoder, and on it the one domain `noise`.

    Args:
        folder: receives their bundles.
        layers: of the one block that either network has.
        channels: of the decoder.
        hop_samples: samples per latent frame.
    """
    torch.manual_seed(5)
    family = WavenetFamily()
    sizes = {"blocks": 1, "layers": layers}
    heard_sizes = {**sizes, "channels": 8, "latent_channels": 3, "hop_samples": hop_samples}
    learning = family.learning(heard_sizes)
    encoder = learning.new_encoder(heard_sizes)
    played_sizes = {**sizes, "residual_channels": channels, "skip_channels": channels}
    decoder = learning.new_decoder(played_sizes)
    heard = write_encoder(
        folder / "encoder.safetensors", encoder, learning, name="wavenet/1", provenance=PROVENANCE
    )
    played = write_decoder(
        folder / "noise.safetensors",
        decoder,
        learning,
        name="noise",
        space=heard.space,
        provenance=PROVENANCE,
    )
    return Catalog(
        families={family.name: family},
        encoders={heard.space.fingerprint: heard},
        domains=(Domain.from_bundle(played.path),),
        plugins=(),
    )
