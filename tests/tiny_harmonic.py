"""Small untrained networks of the harmonic family, and what they are given to hear and play."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import LATENT_RATE, SAMPLE_RATE, DecoderConfig, EncoderConfig
from umt_domains.harmonic.decoder import DecoderNetwork, HarmonicDecoder
from umt_domains.harmonic.encoder import EncoderNetwork, HarmonicEncoder, latent_space
from umt_domains.harmonic.latents import BEND
from umtcli.domain import Decoder, Encoder

LENGTH = 6 * SAMPLE_RATE + 1234
LIVELINESS = 20.0
OPTIONS = {option.name: option.default for option in HarmonicFamily.options}


@torch.no_grad()
def liven(*heads: nn.Conv1d | nn.Conv2d) -> None:
    """Give an untrained network something to say: fresh heads are close to constant."""
    for head in heads:
        head.weight.mul_(LIVELINESS)
        nn.init.zeros_(head.bias)


def make_encoder(front_end: int = 1, bend: bool = False) -> HarmonicEncoder:
    torch.manual_seed(1)
    config = EncoderConfig(
        channels=8,
        blocks=((1, 1), (12, 2)),
        front_end=front_end,
        entry_channels={1: None, 2: 16}[front_end],
        bend=bend,
    )
    network = EncoderNetwork(config)
    liven(network.heads)
    return HarmonicEncoder(network, latent_space("harmonic/test", bend), "cpu")


SOLO = DecoderConfig(channels=8, dilations=(1, 2), noise_bands=8)
SECTION = replace(SOLO, players=3, vibrato_cents=5, drift_cents=10)
SECOND = replace(SOLO, generation=2)
STRUCK = replace(SECOND, struck=True)
THIRD = replace(SOLO, generation=3)
KEYS = replace(THIRD, struck=True)
PHRASES = replace(KEYS, generation=4)
BENDING = replace(SECTION, generation=3, bends=True)


def make_decoder(
    config: DecoderConfig = SOLO, channels: int = BEND, **options: float
) -> HarmonicDecoder:
    torch.manual_seed(2)
    network = DecoderNetwork(config)
    liven(network.loudness, network.timbre, network.noise)
    return HarmonicDecoder(network, "cpu", OPTIONS | options, channels)


def music(length: int = LENGTH) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    swells = torch.sin(torch.arange(length) / 9_000) ** 2
    tone = torch.sin(torch.arange(length) * 0.0627)
    return 0.2 * swells * (tone + 0.3 * torch.randn(length, generator=generator))


def few_notes() -> Tensor:
    """Latents of 9 s with a few pitches, held over the windows' seams at 4 s and 8 s."""
    latents = torch.zeros(265, 450)
    generator = torch.Generator().manual_seed(5)
    for pitch, first, last in ((20, 5, 90), (40, 150, 210), (41, 199, 203), (60, 390, 440)):
        latents[pitch, first:last] = 0.2 + 0.8 * torch.rand(last - first, generator=generator)
        latents[88 + pitch, first] = 0.9
        latents[176 + pitch, first:last] = 0.5
    latents[-1] = 0.1
    return latents


def trembling(latents: Tensor) -> Tensor:
    """The same notes a quarter-tone up and down, five times a second."""
    turns = torch.arange(latents.shape[-1]) * (5 / LATENT_RATE)
    return torch.cat([latents, 0.5 * torch.sin(2 * torch.pi * turns)[None]])


def through(
    machine: Encoder | Decoder, signal: Tensor, cuts: Sequence[int], key: int = 0
) -> Tensor:
    streams = machine.streams()
    stream = streams.open(key)
    pieces, first = [], 0
    for cut in (*cuts, signal.shape[-1]):
        pieces.append(streams.push({stream: signal[..., first : first + cut]})[stream])
        first += cut
    pieces.append(streams.finish([stream])[stream])
    return torch.cat(pieces, dim=-1)
