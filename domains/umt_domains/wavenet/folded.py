"""A WaveNet's weights, rearranged for making one sample after the other.

Three things are done once here, so that the sampler need not do them for every sample:

- Biases are constants. Those of the residual path pile up from layer to layer; a layer's
  input is kept without them, x′ = x − offset, and they enter with the conditioning. Where
  the network's memory starts from x = 0, ours starts from x′ = −offset.
- tanh(f) = 2·σ(2f) − 1: with the filter's weights doubled, one sigmoid serves both halves,
  and g − 2·g·σ(2f) = −σ(…)·tanh(f). The sign goes into the weights that read it.
- The first convolution sees one of 256 values: it becomes a table.

All is computed in float64 and stored in float32.

Q µ-law classes, C latent channels, L layers, R residual channels, S skip channels.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from umt_domains.wavenet import mulaw
from umt_domains.wavenet.config import NUM_CLASSES, DecoderConfig
from umt_domains.wavenet.decoder import DecoderNetwork, GatedLayer

NOTHING = NUM_CLASSES
"""Row of the tables for the time before the first sample, which is zero and no class."""


@dataclass(frozen=True)
class Folded:
    """Matrices are (…, in, out): a row of inputs is multiplied from the left."""

    config: DecoderConfig
    newer_QR: Tensor
    """First convolution of the latest sample, (Q + 1, R)."""
    older_QR: Tensor
    """First convolution of the sample before it, (Q + 1, R)."""
    past_LRM: Tensor
    """Dilated convolutions, tap of the past: (L, R, 2R), gate then doubled filter."""
    now_LRM: Tensor
    """Dilated convolutions, tap of the present: (L, R, 2R)."""
    latent_LCM: Tensor
    """Conditioning of the layers, (L, C, 2R)."""
    constant_LM: Tensor
    """Added to the conditioning, (L, 1, 2R)."""
    offset_LR: Tensor
    """What a layer's input was freed of, (L, R)."""
    residual_LRR: Tensor
    skip_KS: Tensor
    """All layers' skips at once, (L·R, S)."""
    first_skip_RS: Tensor
    skip_S: Tensor
    fc_SS: Tensor
    head_CS: Tensor
    """Conditioning of the output."""
    head_S: Tensor
    logits_SQ: Tensor
    logits_Q: Tensor

    def to(self, device: str) -> Folded:
        """The same weights as float32 on a device."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "config"}
        moved = {
            name: value.to(device, torch.float32).contiguous() for name, value in tensors.items()
        }
        return Folded(self.config, **moved)


def fold(network: DecoderNetwork, device: str) -> Folded:
    """Rearrange a network's weights for sampling; the network stays as it is."""
    residual = network.config.residual_channels
    first_k1R, first_R = _matrices(network.first)
    inputs_Q1 = mulaw.as_input(torch.arange(NUM_CLASSES)).double()[:, None]
    inputs_Q1 = nn.functional.pad(inputs_Q1, (0, 0, 0, 1))  # nothing is zero
    first_skip, first_skip_S = _matrix(network.first_skip)
    head_CS, head_S = _matrix(network.condition)
    fc_SS, fc_S = _matrix(network.fc)
    logits_SQ, logits_Q = _matrix(network.logits)
    past, now, latent, constant, offsets, residuals, skips = [], [], [], [], [], [], []
    offset_R, skip_S = torch.zeros(residual, dtype=torch.float64), first_skip_S
    double_M = torch.ones(2 * residual, dtype=torch.float64)
    double_M[residual:] = 2
    for layer in network.layers:
        assert isinstance(layer, GatedLayer)
        (past_RM, now_RM), dilated_M = _matrices(layer.dilated)
        latent_CM, condition_M = _matrix(layer.condition)
        out_RN, out_N = _matrix(layer.out)
        past.append(past_RM * double_M)
        now.append(now_RM * double_M)
        latent.append(latent_CM * double_M)
        bias_M = dilated_M + condition_M + offset_R @ (past_RM + now_RM)
        constant.append((bias_M * double_M)[None])
        offsets.append(offset_R)
        residuals.append(-out_RN[:, :residual])
        skips.append(-out_RN[:, residual:])
        offset_R, skip_S = offset_R + out_N[:residual], skip_S + out_N[residual:]
    return Folded(
        config=network.config,
        newer_QR=inputs_Q1 @ first_k1R[1] + first_R,
        older_QR=inputs_Q1 @ first_k1R[0],
        past_LRM=torch.stack(past),
        now_LRM=torch.stack(now),
        latent_LCM=torch.stack(latent),
        constant_LM=torch.stack(constant),
        offset_LR=torch.stack(offsets),
        residual_LRR=torch.stack(residuals),
        skip_KS=torch.cat(skips),
        first_skip_RS=first_skip,
        skip_S=skip_S,
        fc_SS=fc_SS,
        head_CS=head_CS,
        head_S=head_S + fc_S,
        logits_SQ=logits_SQ,
        logits_Q=logits_Q,
    ).to(device)


def _matrices(conv: nn.Conv1d) -> tuple[Tensor, Tensor]:
    """A convolution as one float64 (in, out) matrix a tap, the oldest first, and its bias."""
    assert conv.bias is not None
    weight, bias = conv.weight.detach().double().cpu(), conv.bias.detach().double().cpu()
    return weight.permute(2, 1, 0), bias


def _matrix(conv: nn.Conv1d) -> tuple[Tensor, Tensor]:
    """A convolution of one tap as a float64 (in, out) matrix, and its bias."""
    taps, bias = _matrices(conv)
    return taps[0], bias
