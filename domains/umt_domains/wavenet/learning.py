"""How the wavenet family's networks are built, and what its decoders are taught.

A decoder learns to name the µ-law class of each next sample from the true samples so far
and the latents.

B examples, C latent channels, F latent frames, T samples.

Source: arXiv:1805.07848, section 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.wavenet import mulaw
from umt_domains.wavenet.config import (
    FRONT_END_VERSION,
    HOP_SAMPLES,
    LATENT_CHANNELS,
    SAMPLE_RATE,
    DecoderConfig,
    EncoderConfig,
    from_mapping,
    to_mapping,
)
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.distort import PAPER, Distortion, distorted
from umt_domains.wavenet.encoder import EncoderNetwork, latent_space
from umt_domains.wavenet.filterbank import can_be_filters, tune
from umt_domains.wavenet.whitening import whiten
from umtcli.bundle import Bundle
from umtcli.domain import LatentSpace
from umtcli.fitting import load_weights
from umtcli.learning import Batch


@dataclass(frozen=True)
class WavenetLearning:
    """An `umtcli.learning.Learning`.

    Attributes:
        sample_rate: of all training audio (Hz); released models have the defaults.
        hop_samples: samples per latent frame.
        latent_channels: C.
        distorted: how much of what the encoder hears is out of tune, or of another timbre.
    """

    sample_rate: int = SAMPLE_RATE
    hop_samples: int = HOP_SAMPLES
    latent_channels: int = LATENT_CHANNELS
    distorted: Distortion = PAPER
    family: ClassVar[str] = "wavenet"
    hears_scores: ClassVar[bool] = False
    front_end_version: ClassVar[int] = FRONT_END_VERSION

    @classmethod
    def of(
        cls, encoder: Mapping[str, Any], distortion: Mapping[str, Any] | None = None
    ) -> WavenetLearning:
        """What goes with an encoder of these sizes, given as to `new_encoder`."""
        sizes = from_mapping(EncoderConfig, encoder)
        how = from_mapping(Distortion, distortion or {})
        return cls(sizes.sample_rate, sizes.hop_samples, sizes.latent_channels, how)

    @property
    def distortion(self) -> dict[str, Any]:
        """Where the distortion is not the paper's."""
        usual = asdict(PAPER)
        return {name: v for name, v in asdict(self.distorted).items() if v != usual[name]}

    @property
    def shortest_distorted_s(self) -> float:
        """Shorter examples have no room for a part that is out of tune."""
        return 2 * self.distorted.shortest_s if self.distorted.semitones else 0.0

    def context_frames(self, decoder: nn.Module) -> tuple[int, int]:
        """None: the paper trains on crops that begin in silence."""
        del decoder
        return 0, 0

    def new_encoder(self, config: Mapping[str, Any]) -> EncoderNetwork:
        """A fresh encoder; `config` as `EncoderConfig`, with what is this object's left out."""
        return EncoderNetwork(from_mapping(EncoderConfig, self._completed(config)))

    def new_decoder(self, config: Mapping[str, Any]) -> DecoderNetwork:
        """A fresh decoder; `config` as `DecoderConfig`, with what is this object's left out."""
        return DecoderNetwork(from_mapping(DecoderConfig, self._completed(config)))

    def config_of(self, network: nn.Module) -> dict[str, Any]:
        """The config that rebuilds a network."""
        assert isinstance(network, (EncoderNetwork, DecoderNetwork))
        return to_mapping(network.config)

    def encoder_space(self, name: str) -> LatentSpace:
        """The latent space of such encoders."""
        return latent_space(name, EncoderConfig(**self._shared))

    def from_bundle(self, bundle: Bundle) -> nn.Module:
        """The network of a bundle."""
        network: nn.Module
        if bundle.info.kind == "encoder":
            network = EncoderNetwork(from_mapping(EncoderConfig, bundle.info.config))
        else:
            network = DecoderNetwork(from_mapping(DecoderConfig, bundle.info.config))
        load_weights(network, bundle)
        return network

    def encode(self, encoder: nn.Module, wav_BT: Tensor) -> Tensor:
        """The network's latents."""
        latents_BCF: Tensor = encoder(wav_BT)
        return latents_BCF

    def distort(self, batch: Batch, seed: int, background: list[Tensor]) -> Batch:
        """Out of tune here and there, perhaps retimbred; see `umt_domains.wavenet.distort`."""
        del background  # the paper mixes nothing in
        heard = [self.rehear(wav_T, seed, batch.index + i) for i, wav_T in enumerate(batch.wav_BT)]
        return replace(batch, wav_BT=torch.stack(heard), others=None)

    def rehear(self, wav_T: Tensor, seed: int, number: int) -> Tensor:
        """As the encoder's input is distorted."""
        return distorted(wav_T, self.sample_rate, seed, number, self.distorted)

    def teachable(self, heard_CF: Tensor, clean_CF: Tensor) -> Tensor:
        """The latents as they are: they do not tell the level."""
        del clean_CF
        return heard_CF

    def playable_share(self, latents_CF: Tensor, wav_T: Tensor) -> float:
        """All of it: a WaveNet makes any waveform."""
        del latents_CF, wav_T
        return 1.0

    def encoder_loss(self, encoder: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """None: the paper's encoder learns from its decoders and from the confusion."""
        del encoder, batch
        return {}

    def settle(self, encoder: nn.Module, wav_BT: Tensor) -> None:
        """Let a fresh encoder hear a spectrum; see `filterbank` and `whitening`."""
        assert isinstance(encoder, EncoderNetwork)
        if can_be_filters(encoder):
            tune(encoder)
        whiten(encoder, wav_BT)

    def decoder_loss(
        self, decoder: nn.Module, latents_BCF: Tensor, wav_BT: Tensor
    ) -> dict[str, Tensor]:
        """Cross-entropy of each next class, in nats, given the true samples before it.

        A decoder that only ever saw true pasts goes on with the note that it plays when latents
        tell of another. With a wrong past before the first sample it learns to leave one: the
        end of another example, or of this one where it is alone.
        """
        assert isinstance(decoder, DecoderNetwork)
        hop = decoder.config.hop_samples
        num_frames = wav_BT.shape[-1] // hop
        before = min(num_frames, math.ceil(self.distorted.wrong_past_s * self.sample_rate / hop))
        classes_BT = mulaw.encode(wav_BT)
        past_BT = classes_BT.roll(1, dims=0)[:, classes_BT.shape[-1] - before * hop :]
        latents_BCF = latents_BCF[..., -num_frames:]
        around_BCF = torch.cat([latents_BCF[..., :1].expand(-1, -1, before), latents_BCF], dim=-1)
        logits_BQT = decoder(torch.cat([past_BT, classes_BT], dim=-1), around_BCF)
        loss = functional.cross_entropy(logits_BQT[..., before * hop :], classes_BT)
        return {"cross_entropy": loss}

    def _completed(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A network's config with what it has in common with all others.

        Raises:
            ValueError: naming what it has otherwise.
        """
        for name, value in self._shared.items():
            if config.get(name, value) != value:
                raise ValueError(f"{name} must be the encoder's, {value}")
        return {**config, **self._shared}

    @property
    def _shared(self) -> dict[str, int]:
        names = "sample_rate", "hop_samples", "latent_channels"
        return {name: getattr(self, name) for name in names}
