"""The paper's universal encoder: blocks of dilated residual convolutions, then an average.

    wav ─ µ-law ─ start ─┬─ layer d=1 ─ d=2 ─ … ─ d=512 ─┬─ average ─ project ─ latents
                         └────────── three times ────────┘

B batch, C channels, T samples, F latent frames.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from umt_domains.wavenet import mulaw
from umt_domains.wavenet.config import EncoderConfig
from umtcli.domain import LatentSpace


class ResidualLayer(nn.Module):
    """x + mix(ReLU(dilated(x))); looks `dilation` samples to either side.

    Shape:
        x: (B, C, T)
        returns: (B, C, T)
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The input and what this layer adds to it."""
        mixed: Tensor = self.mix(functional.relu(self.dilated(x)))
        return x + mixed


class EncoderNetwork(nn.Module):
    """Waveform → latents. Beyond its ends a waveform is zero in every layer.

    A last hop that is not full is filled up with silence.

    Shape:
        wav: (B, T), float32 in −1 … 1
        returns: (B, C, ceil(T / hop))

    Source: arXiv:1805.07848, section 3.1.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.start = nn.Conv1d(1, config.channels, 3, padding=1)
        self.layers = nn.ModuleList(
            ResidualLayer(config.channels, dilation) for dilation in config.dilations
        )
        self.project = nn.Conv1d(config.channels, config.latent_channels, 1)

    def forward(self, wav_BT: Tensor) -> Tensor:
        """Latents of whole waveforms."""
        # the paper projects before it averages; the two commute, and this way is cheaper
        latents: Tensor = self.project(self.pooled(wav_BT))
        return latents

    def pooled(self, wav_BT: Tensor) -> Tensor:
        """What is projected to latents: the mean of the last layer over each frame, (B, ·, F)."""
        heard_BT = heard_input(wav_BT, self.config.hop_samples).to(self.start.weight.dtype)
        x: Tensor = self.start(heard_BT[:, None])
        for layer in self.layers:
            x = layer(x)
        return functional.avg_pool1d(x, self.config.hop_samples)


def heard_input(wav_BT: Tensor, hop_samples: int) -> Tensor:
    """A waveform as the network sees it, filled up with silence to whole hops.

    Shape:
        returns: (B, ceil(T / hop) · hop), float32 in −½ … ½
    """
    wav_BT = functional.pad(wav_BT, (0, -wav_BT.shape[-1] % hop_samples))
    return mulaw.as_input(mulaw.encode(wav_BT))


def latent_space(name: str, config: EncoderConfig) -> LatentSpace:
    """The space of an encoder before its weights give it a fingerprint."""
    frame_rate = config.sample_rate / config.hop_samples
    return LatentSpace(name, config.latent_channels, frame_rate, fingerprint="")
