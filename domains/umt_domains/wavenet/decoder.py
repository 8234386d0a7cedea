"""The paper's WaveNet: the class of the next sample from all samples so far and the latents.

This is the parallel form, which needs the samples and so serves for training. Sampling is
in `sampler.py`, which reads this network's weights and leaves it as it is.

    samples ─ shift ─ first ─┬─ layer d=1 ─┬─ layer d=2 ─ … ─┐ residual
                             │             │                 │
                            skip    +     skip    +  …  +   skip ─ ReLU ─ fc ─ ReLU ─ logits
    latents ─ condition ──────── to each layer ──────────────────────────┘

B batch, Q µ-law classes, C latent channels, F latent frames, R residual channels, S skip
channels, T samples.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.wavenet import mulaw
from umt_domains.wavenet.config import NUM_CLASSES, DecoderConfig


class GatedLayer(nn.Module):
    """σ(gate)·tanh(filter) of a causal dilated convolution and the latents.

    Shape:
        x: (B, R, T)
        latent: (B, C, F) with F · hop = T
        returns: what is added to the residual (B, R, T) and to the skip (B, S, T)

    Source: arXiv:1609.03499, equation 3; arXiv:1805.07848, section 3.1.
    """

    def __init__(self, config: DecoderConfig, dilation: int) -> None:
        super().__init__()
        residual, skip = config.residual_channels, config.skip_channels
        self.dilated = nn.Conv1d(residual, 2 * residual, 2, dilation=dilation)
        self.condition = nn.Conv1d(config.latent_channels, 2 * residual, 1)
        self.out = nn.Conv1d(residual, residual + skip, 1)  # both in one matrix product

    def forward(self, x_BRT: Tensor, latent_BCF: Tensor) -> tuple[Tensor, Tensor]:
        """What this layer adds to the residual and to the skip."""
        dilation, residual = self.dilated.dilation[0], x_BRT.shape[1]
        steered = _plus_frames(
            self.dilated(functional.pad(x_BRT, (dilation, 0))), self.condition(latent_BCF)
        )
        gate, filtered = steered.chunk(2, dim=1)
        out: Tensor = self.out(torch.sigmoid(gate) * torch.tanh(filtered))
        return out[:, :residual], out[:, residual:]


class DecoderNetwork(nn.Module):
    """Samples so far and latents → logits of each next sample.

    Shape:
        classes: (B, T), int64; the logits at t see samples before t only
        latent: (B, C, F) with F · hop = T
        returns: (B, Q, T)

    Source: arXiv:1805.07848, section 3.1.
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        residual, skip = config.residual_channels, config.skip_channels
        self.first = nn.Conv1d(1, residual, 2)
        self.first_skip = nn.Conv1d(residual, skip, 1)
        self.layers = nn.ModuleList(GatedLayer(config, dilation) for dilation in config.dilations)
        self.condition = nn.Conv1d(config.latent_channels, skip, 1)
        self.fc = nn.Conv1d(skip, skip, 1)
        self.logits = nn.Conv1d(skip, NUM_CLASSES, 1)

    def forward(self, classes_BT: Tensor, latent_BCF: Tensor) -> Tensor:
        """Logits of every sample, given the true samples before it."""
        # two zeros enter first: one is the shift, one the convolution's causal padding
        past = functional.pad(mulaw.as_input(classes_BT[:, :-1]), (2, 0))
        x = self.first(past[:, None].to(self.first.weight.dtype))
        total = self.first_skip(x)
        for layer in self.layers:
            residual, skip = layer(x, latent_BCF)
            x = x + residual
            total = total + skip
        total = _plus_frames(self.fc(functional.relu(total)), self.condition(latent_BCF))
        logits: Tensor = self.logits(functional.relu(total))
        return logits


def _plus_frames(x_BMT: Tensor, frames_BMF: Tensor) -> Tensor:
    """Add to each sample what belongs to its latent frame."""
    batch, channels, num_frames = frames_BMF.shape
    framed = x_BMT.reshape(batch, channels, num_frames, -1)
    return (framed + frames_BMF[..., None]).flatten(-2)
