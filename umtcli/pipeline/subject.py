"""A domain under test: its machines, and signals to test them with.

T samples, C latent channels, F latent frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cached_property

import torch
from torch import Tensor

from umtcli.bundle import read_info
from umtcli.catalog import Catalog
from umtcli.domain import Decoder, Domain, Encoder, Streams, Value, resolve_options
from umtcli.pipeline.jobs import Output
from umtcli.pipeline.machines import Machines

DURATION_S = 1.3
"""Of the test music: sampling decoders are slow, and every check plays it."""


class Subject:
    """The domain under test, its machines, and signals to test them with."""

    def __init__(self, catalog: Catalog, domain: Domain, device: str) -> None:
        self.domain = domain
        self.decoder_info = read_info(domain.decoder, kind="decoder")
        self.encoder_info = read_info(catalog.encoder_for(domain), kind="encoder")
        self.family = catalog.family(domain)
        self._machines = Machines(catalog, device)
        self.encoder: Encoder = self._machines.encoder(domain)
        self.decoder: Decoder = self.decoder_with({})

    def decoder_with(self, options: dict[str, Value]) -> Decoder:
        """The decoder with these options and the defaults of all others."""
        values = resolve_options(self.family, {}) | options
        return self._machines.decoder(Output(self.domain, values, path=None))

    @cached_property
    def music(self) -> Tensor:
        """Three notes that enter one after the other, over a faint noise, near −20 dBFS."""
        rate = self.encoder.sample_rate
        num_samples = round(DURATION_S * rate) + 17  # not a whole number of frames
        time_T = torch.arange(num_samples, dtype=torch.float64) / rate
        wav_T = 0.003 * torch.randn(num_samples, generator=torch.Generator().manual_seed(0))
        for start_s, frequency_hz in ((0.0, 220.0), (0.4, 277.18), (0.8, 329.63)):
            local_T = (time_T - start_s).clamp(min=0)
            tone_T = sum((2 * math.pi * h * frequency_hz * local_T).sin() / h for h in (1, 2, 3, 4))
            wav_T = wav_T + 0.12 * (tone_T * (-3 * local_T).exp()).float()
        return wav_T.float()

    @cached_property
    def latents(self) -> Tensor:
        """What the encoder makes of the music."""
        return feed(self.encoder.streams(), self.music)

    def both(self) -> Iterator[tuple[str, Callable[[], Streams], Tensor]]:
        """Encoder and decoder alike: a name, how to start streams, and an input."""
        yield "encoder", self.encoder.streams, self.music
        yield "decoder", lambda: self.decoder.streams(seed=1), self.latents


def feed(streams: Streams, signal: Tensor, pieces: tuple[int, ...] = (), *, key: int = 0) -> Tensor:
    """Send one signal through one stream, cut into pieces and then the rest.

    Args:
        streams: of an encoder or a decoder.
        signal: (T,) or (C, F).
        pieces: lengths of the first pushes; what remains is pushed at once.
        key: of the stream.
    """
    stream_id = streams.open(key)
    ready, start = [], 0
    for length in (*pieces, max(signal.shape[-1] - sum(pieces), 0)):
        block = signal[..., start : start + length]
        ready.append(streams.push({stream_id: block})[stream_id])
        start += length
    return torch.cat([*ready, streams.finish([stream_id])[stream_id]], dim=-1).cpu()
