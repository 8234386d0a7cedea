"""The first-party families: a file among others is, bit by bit, what it is alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from signals import noise, write
from umt_domains.wavenet import WavenetFamily
from umt_domains.wavenet.config import FRONT_END_VERSION, SAMPLE_RATE
from umt_domains.wavenet.encoder import latent_space
from umtcli.bundle import write_bundle
from umtcli.catalog import Catalog, installed_catalog
from umtcli.domain import Domain
from umtcli.pipeline import convert

LENGTHS_S = (0.6, 0.35, 0.8, 0.5)


def wavenet(folder: Path) -> Catalog:
    """One untrained domain, small and sampling."""
    torch.manual_seed(5)
    family = WavenetFamily()
    sizes = {"blocks": 1, "layers": 4}
    heard_sizes = {**sizes, "channels": 8, "latent_channels": 3}
    learning = family.learning(heard_sizes)
    encoder = learning.new_encoder(heard_sizes)
    decoder = learning.new_decoder({**sizes, "residual_channels": 16, "skip_channels": 16})
    provenance = {"licence": "CC0-1.0", "description": "untrained", "data": "-", "recipe": "-"}
    heard = write_bundle(
        folder / "encoder.safetensors",
        kind="encoder",
        family="wavenet",
        name="wavenet/1",
        config=learning.config_of(encoder),
        space=latent_space("wavenet/1", encoder.config),
        sample_rate=SAMPLE_RATE,
        provenance=provenance,
        tensors=encoder.state_dict(),
        front_end_version=FRONT_END_VERSION,
    )
    played = write_bundle(
        folder / "noise.safetensors",
        kind="decoder",
        family="wavenet",
        name="noise",
        config=learning.config_of(decoder),
        space=heard.space,
        sample_rate=SAMPLE_RATE,
        provenance=provenance,
        tensors=decoder.state_dict(),
    )
    return Catalog(
        families={"wavenet": family},
        encoders={heard.space.fingerprint: heard},
        domains=(Domain.from_bundle(played.path),),
        plugins=(),
    )


@pytest.mark.parametrize(
    ("domain", "options"),
    [("noise", {"engine": "torch"}), ("noise", {}), ("piano", {}), ("piano", {"sides": True})],
)
def test_a_file_among_others_is_what_it_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str, options: dict[str, object]
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")
    catalog = wavenet(tmp_path) if domain == "noise" else installed_catalog()
    songs = [
        write(tmp_path / f"{number}.wav", noise(length_s + 0.1, 16_000)[number:], 16_000)
        for number, length_s in enumerate(LENGTHS_S)
    ]

    def made(inputs: list[Path], folder: str) -> list[bytes]:
        results = convert(inputs, domain, tmp_path / folder, catalog=catalog, options=options)
        assert [result.error for result in results] == [None] * len(results)
        return [Path(result.output).read_bytes() for result in results]

    together = made(songs, "together")
    for number, song in enumerate(songs):
        (tmp_path / f"alone-{number}").mkdir()
        assert made([song], f"alone-{number}") == together[number : number + 1]
