"""A new decoder begins as the known one that plays its music best, and else as it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import frames
from toy import make_toy, write_decoder, write_encoder
from umt_domains.wavenet import WavenetFamily
from umt_trainer.beginning import begin, known_domains, settle_encoder
from umt_trainer.config import RunConfig
from umt_trainer.data import Recording
from umt_trainer.examples import Domain, Music
from umt_trainer.tasks import DecoderTask
from umtcli.bundle import Bundle, write_bundle
from umtcli.catalog import Catalog
from umtcli.domain import Domain as Bundled
from umtcli.domain import LatentSpace
from umtcli.errors import UsageError
from umtcli.fitting import load_weights

HOP = 10
SPACE = LatentSpace("gain/1", 1, 100.0, "aaaa")
TRUTH = 0.5
"""How loud the instrument plays its one latent."""


@dataclass
class Gain:
    """A family whose decoders hold a latent for a hop and scale it."""

    family: str = "gain"
    front_end_version: int = 1
    sample_rate: int = 1000
    hop_samples: int = HOP

    def context_frames(self, decoder: nn.Module) -> tuple[int, int]:
        return 0, 0

    def config_of(self, network: nn.Module) -> dict[str, Any]:
        return {"size": network.weight.shape[1]}

    def from_bundle(self, bundle: Bundle) -> nn.Linear:
        network = nn.Linear(bundle.info.config["size"], 1, bias=False)
        load_weights(network, bundle)
        return network

    def decoder_loss(
        self, decoder: nn.Linear, latents_BCF: Tensor, wav_BT: Tensor
    ) -> dict[str, Tensor]:
        played_BT = decoder(latents_BCF.transpose(1, 2))[..., 0].repeat_interleave(HOP, dim=1)
        return {"error": (played_BT - wav_BT).square().mean(), "_shown": torch.ones(())}


def task(gain: float, learning: Gain | None = None) -> DecoderTask:
    latents = np.linspace(0.2, 0.8, 20).astype(np.float16)[None]
    wav = np.repeat(TRUTH * latents[0].astype(np.float64), HOP) * 32768
    recordings = [Recording(np.rint(wav).astype(np.int16), latents=(latents,))]
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, gain)
    return DecoderTask(
        network, learning or Gain(), recordings, SPACE, RunConfig(steps=1, crop_s=0.05)
    )


def known(folder: Path, name: str, gain: float) -> Path:
    return write_bundle(
        folder / f"{name}.safetensors",
        kind="decoder",
        family="gain",
        name=name,
        config={"size": 1},
        space=SPACE,
        sample_rate=1000,
        provenance={"licence": "CC0-1.0"},
        tensors={"weight": torch.tensor([[gain]])},
    ).path


def test_it_begins_as_the_one_that_plays_the_music_best(tmp_path: Path) -> None:
    given = {"soft": 0.1, "right": 0.45, "loud": 2.0}
    paths = [known(tmp_path, name, gain) for name, gain in given.items()]
    fresh = task(gain=-1.0)
    (tmp_path / "damaged.safetensors").write_bytes(paths[0].read_bytes()[:-1])
    begun, name = begin(fresh, [tmp_path / "damaged.safetensors", *paths])
    assert name == "right"
    assert begun.network.weight.item() == torch.tensor(0.45).item()
    assert begun.recordings is fresh.recordings
    assert fresh.network.weight.item() == -1.0


def test_it_stays_as_it_is_where_nobody_plays_better(tmp_path: Path) -> None:
    fresh = task(gain=0.48)
    assert begin(fresh, [known(tmp_path, "soft", 0.1)]) == (fresh, "")
    assert begin(fresh, []) == (fresh, "")


def test_a_bundle_of_another_version_is_passed_over(tmp_path: Path) -> None:
    class Older(Gain):
        def from_bundle(self, bundle: Bundle) -> nn.Linear:
            raise ValueError("DecoderConfig has no 'size'")

    fresh = task(gain=-1.0, learning=Older())
    assert begin(fresh, [known(tmp_path, "newer", TRUTH)]) == (fresh, "")


def test_a_family_may_leave_out_what_only_a_known_instrument_has(tmp_path: Path) -> None:
    class Unbound(Gain):
        def beginning(self, bundle: Bundle) -> nn.Linear:
            network = self.from_bundle(bundle)
            nn.init.constant_(network.weight, TRUTH)
            return network

    begun, name = begin(task(gain=0.45, learning=Unbound()), [known(tmp_path, "deaf", 0.0)])
    assert name == "deaf"
    assert begun.network.weight.item() == TRUTH


def test_known_are_those_of_the_encoder_and_its_licence(tmp_path: Path) -> None:
    plugin = make_toy(tmp_path / "toy", {"low": 110.0, "high": 880.0})
    encoder = write_encoder(tmp_path / "toy" / "e.safetensors")
    other = write_encoder(tmp_path / "other.safetensors", weight=(2.0, 1.0))
    free, bound = {"licence": "CC0-1.0"}, {"licence": "CC-BY-NC-4.0"}
    paths = [
        *plugin.decoders,
        write_decoder(tmp_path / "b.safetensors", encoder.space, "bound", provenance=bound).path,
        write_decoder(tmp_path / "o.safetensors", other.space, "elsewhere", provenance=free).path,
    ]
    catalog = Catalog(
        families={"toy": plugin.family},
        encoders={info.space.fingerprint: info for info in (encoder, other)},
        domains=tuple(Bundled.from_bundle(path) for path in paths),
        plugins=(),
    )
    assert known_domains(catalog, encoder.space.fingerprint) == list(plugin.decoders)


def test_a_fresh_encoder_may_be_settled_on_the_music_it_will_hear() -> None:
    sizes = {"blocks": 1, "layers": 4, "channels": 16, "latent_channels": 4, "hop_samples": 100}
    learning = WavenetFamily().learning(sizes)
    time_s = np.arange(40_000) / learning.sample_rate
    tones = [np.rint(9000 * np.sin(2 * np.pi * hertz * time_s)) for hertz in (220, 330, 550)]
    domains = [Domain(str(n), [Recording(t.astype(np.int16))]) for n, t in enumerate(tones)]
    music = Music(domains, learning, RunConfig(steps=1, crop_s=0.1))
    torch.manual_seed(0)
    encoder = learning.new_encoder(sizes)

    @torch.no_grad()
    def covariance() -> Tensor:
        heard_BCF = learning.encode(encoder, music.clean(0, 900).wav_BT)
        return torch.cov(heard_BCF.transpose(0, 1).flatten(1))

    assert float(covariance().diagonal().max()) < 0.1
    settle_encoder(encoder, music)
    torch.testing.assert_close(covariance(), torch.eye(4), atol=0.15, rtol=0)


def test_a_family_that_cannot_settle_says_so() -> None:
    t = frames.task()
    with pytest.raises(UsageError, match=r"frames family cannot settle.* out of \[hearing\]"):
        settle_encoder(t.network.encoder, t.music)
