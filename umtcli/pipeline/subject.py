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
from umtcli.pipeline.machines import Machines

DURATION_S = 1.3
"""Of the test signals beyond two lookaheads: sampling decoders are slow, and every check
plays them. A network that works in windows of seconds gives nothing before its lookahead is
over: only a signal of twice that shows whether one window goes on where another ended."""
LONGEST_LOOKAHEAD_S = 30.0
"""A declared lookahead beyond this is not waited for: it may be a mistake."""
NOTES_HZ = (220.0, 277.18, 329.63)
NOTE_S = 0.4


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
        return self._machines.decoder(self.domain, values)

    @cached_property
    def music(self) -> Tensor:
        """Three notes, one after the other and again, over a faint noise, near −20 dBFS."""
        rate = self.encoder.sample_rate
        num_samples = round(_duration_s(self.encoder) * rate) + 17  # not whole frames
        wav_T = 0.003 * torch.randn(num_samples, generator=torch.Generator().manual_seed(0))
        num_notes = math.ceil(num_samples / (NOTE_S * rate))
        for number in range(num_notes):
            start = round(number * NOTE_S * rate)
            note_T = _note(NOTES_HZ[number % len(NOTES_HZ)], rate)[: num_samples - start]
            wav_T[start : start + len(note_T)] += note_T
        return wav_T

    @cached_property
    def latents(self) -> Tensor:
        """What the encoder makes of the music, as long as the decoder's checks need it."""
        return self.latents_for_decoder(self.music)

    def latents_for_decoder(self, wav_T: Tensor) -> Tensor:
        """Encode, then cut or repeat to the length that shows two windows of the decoder.

        Encoder and decoder may look ahead differently far, and a decoder that samples
        should not play a second more than it must.
        """
        latent_CF = feed(self.encoder.streams(), wav_T)
        num_frames = math.ceil(_duration_s(self.decoder) * self.encoder.space.frame_rate)
        repeats = math.ceil(num_frames / max(latent_CF.shape[-1], 1))
        return latent_CF.repeat(1, repeats)[:, :num_frames]

    def both(self) -> Iterator[tuple[str, Callable[[], Streams], Tensor]]:
        """Encoder and decoder alike: a name, how to start streams, and an input."""
        yield "encoder", self.encoder.streams, self.music
        yield "decoder", lambda: self.decoder.streams(seed=1), self.latents


def _duration_s(machine: Encoder | Decoder) -> float:
    """How long a signal must be, for a machine to give most of it before the end is told."""
    return DURATION_S + 2 * min(max(0.0, machine.lookahead_s), LONGEST_LOOKAHEAD_S)


def _note(frequency_hz: float, rate: int) -> Tensor:
    """A tone of four partials that fades to nothing audible, (T,)."""
    time_T = torch.arange(2 * rate, dtype=torch.float64) / rate
    tone_T = sum((2 * math.pi * h * frequency_hz * time_T).sin() / h for h in (1, 2, 3, 4))
    return (0.12 * tone_T * (-3 * time_T).exp()).float()


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
