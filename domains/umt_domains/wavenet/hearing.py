"""The encoder at work: streams of waveform in, streams of latents out.

Windows overlap by the network's reach. A window that touches an end of its stream is cut
there, so that every layer's zero padding falls where it would in the whole file:

    stream        ├────────────────────────────────────────┤
    window 0      ├── middle ──┬ after ┤
    window 1          ┤ before ┼── middle ──┬ after ┤
    window 2                       ┤ before ┼── middle ────┤

Elsewhere the padding spoils the outer `reach` samples of a window, which are not used.

T samples, F latent frames, C latent channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import torch
from torch import Tensor

from umt_domains.processor import multiplies_bfloat16
from umt_domains.wavenet.blocked import BlockedEncoder, NewLayer
from umt_domains.wavenet.blocked_layers import BFloat16Layer, Float32Layer
from umt_domains.wavenet.encoder import EncoderNetwork
from umt_domains.wavenet.engine.choosing import bfloat16_engine
from umt_domains.wavenet.engine.kinds import AVX512_BF16
from umtcli.domain import LatentSpace
from umtcli.pipeline.windows import WindowedStreams

STEP_FRAMES = 80
"""Latent frames in the middle of a window: 4 s, so that overlap costs a tenth."""

Hear = Callable[[Tensor], Tensor]
"""(1, T) → (1, C, ceil(T / hop))."""


def fastest_layer(channels: int) -> tuple[NewLayer, str]:
    """What computes layers of so many channels on this machine's CPU, and its precision."""
    if not multiplies_bfloat16():
        return Float32Layer, "float32"
    # before anything is compiled: other widths do not fill the panels
    engine = None if channels % AVX512_BF16.width else bfloat16_engine()
    if engine is None:
        return BFloat16Layer, "bfloat16"
    from umt_domains.wavenet.engine.hearing_layer import compiled_layers

    return compiled_layers(engine), "bfloat16"


class WavenetEncoder:
    """An `umtcli.domain.Encoder`: mono waveform → latents; 16 kHz → 64 at 20 Hz as published.

    Where the CPU multiplies bfloat16, layers do, and latents are within a hundredth of what
    float32 hears.

    Args:
        network: the trained network.
        space: the latent space its bundle names.
        device: where it runs.
    """

    def __init__(self, network: EncoderNetwork, space: LatentSpace, device: str) -> None:
        network = network.eval().to(device)
        self.space = space
        self.sample_rate = network.config.sample_rate
        self._device = device
        self._hear: Hear = network
        self.precision = "float32"
        if device == "cpu":
            new_layer, self.precision = fastest_layer(network.config.channels)
            self._hear = BlockedEncoder(network, new_layer)
        self._channels = network.config.latent_channels
        self._hop = hop = network.config.hop_samples
        # whole hops, so that a window's frames are the stream's
        self._reach = -(-network.config.reach_samples // hop) * hop
        self.lookahead_s = (STEP_FRAMES * hop + self._reach) / self.sample_rate

    def streams(self) -> HeardStreams:
        """Start a new set of streams: (T,) blocks in, (C, F) blocks out."""
        return HeardStreams(
            WindowedStreams(
                self._window,
                step=STEP_FRAMES * self._hop,
                before=self._reach,
                after=self._reach,
                ratio=Fraction(1, self._hop),
                channels=(2,),
                out_channels=(self._channels,),
                device=self._device,
            )
        )

    @torch.inference_mode()
    def _window(self, window_2T: Tensor, start: int, key: int) -> Tensor:
        """Latents of a window's middle, (C, F)."""
        del key  # hearing is deterministic
        wav_T, inside_T = window_2T
        num_frames = -(-(len(wav_T) - 2 * self._reach) // self._hop)
        first = max(0, self._reach - start)
        inside_BT = wav_T[first : first + int(inside_T.sum())][None]
        skipped = (self._reach - first) // self._hop
        return self._hear(inside_BT)[0, :, skipped : skipped + num_frames]


class HeardStreams:
    """Streams whose windows know where the stream is: a second channel of ones says so."""

    def __init__(self, streams: WindowedStreams) -> None:
        self._streams = streams

    def open(self, key: int = 0) -> int:
        """Start a stream and return its id."""
        return self._streams.open(key)

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed the next (T,) block of each named stream; return the (C, F) that are ready."""
        return self._streams.push(
            {i: torch.stack([wav_T, torch.ones_like(wav_T)]) for i, wav_T in blocks.items()}
        )

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End these streams and return what is left of each."""
        return self._streams.finish(ids)
