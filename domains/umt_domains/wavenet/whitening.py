"""A beginning for the encoder: latents of one size, each telling something else.

What a fresh encoder hears depends on the pitch, but its latents show little of that: they differ
most by level, all alike, and by a hundredth of it by anything else. Decoders that begin with
them learn the level, and teach the encoder nothing but that. So its projection begins as the
principal components of what its layers make of some music, each brought to unit variance.

Layers stay as they are, be it by chance or as a filter bank (`umt_domains.wavenet.filterbank`);
nothing is learned.

B examples, T samples, C channels, L latent channels, N frames of all examples.

Source: Salimans and Kingma, Weight Normalization (2016), section 3, for weights that begin by
the data; Kessy, Lewin and Strimmer, Optimal Whitening and Decorrelation (2018).
"""

from __future__ import annotations

import torch
from torch import Tensor

from umt_domains.wavenet.encoder import EncoderNetwork

FAINTEST = 1e-4
"""Of the largest variance: what varies less is not brought to the size of the rest."""
NOTHING = 1e-12
"""A variance: what varies less stays nothing."""
EXAMPLES_AT_A_TIME = 8


@torch.no_grad()
def whiten(encoder: EncoderNetwork, wav_BT: Tensor) -> None:
    """Let an encoder's latents be uncorrelated, of mean 0 and variance 1, on some music.

    Latents that are more than the channels of its layers begin as they are.

    Args:
        encoder: changed in place.
        wav_BT: of all domains; a minute or more.
    """
    parts = [encoder.pooled(part_BT) for part_BT in wav_BT.split(EXAMPLES_AT_A_TIME)]
    heard_CN = torch.cat(parts).double().transpose(0, 1).flatten(1)
    mean_C = heard_CN.mean(1)
    variance_C, direction_CC = torch.linalg.eigh(torch.atleast_2d(torch.cov(heard_CN)))
    most = min(len(mean_C), encoder.config.latent_channels)
    largest_L = variance_C.flip(0)[:most].clamp_min(0)
    size_L = (largest_L + FAINTEST * largest_L[0] + NOTHING).sqrt()
    weight_LC = direction_CC.flip(1)[:, :most].T / size_L[:, None]
    bias_L = encoder.project.bias
    assert bias_L is not None
    encoder.project.weight[:most, :, 0] = weight_LC.to(encoder.project.weight)
    bias_L[:most] = -(weight_LC @ mean_C).to(bias_L)
