"""8-bit µ-law: the 256 classes that the wavenet family hears and plays.

Loud steps are coarse and soft ones fine, so that 256 classes do for music. T samples.

Source: arXiv:1805.07848, section 3.1, after ITU-T G.711 (1988).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from umt_domains.wavenet.config import NUM_CLASSES

MU = NUM_CLASSES - 1
SILENCE = NUM_CLASSES // 2
"""The class that plays as exactly zero; sampling starts from it."""


def encode(wav_T: Tensor) -> Tensor:
    """Waveform → classes. What is louder than full scale is clipped.

    Encoding cuts towards class 0 and decoding plays just below a class's range, as in the
    paper: a class that is played and heard again comes back one lower, unless it was 0.

    Args:
        wav_T: float, any shape, in −1 … 1.

    Shape:
        returns: as `wav_T`; int64 in 0 … 255

    >>> encode(torch.tensor([-1.0, 0.0, 1.0])).tolist()
    [0, 127, 255]
    """
    wav_T = wav_T.clamp(-1, 1)
    companded = wav_T.sign() * torch.log1p(MU * wav_T.abs()) / math.log1p(MU)
    return ((companded + 1) / 2 * MU).to(torch.int64)


def decode(classes_T: Tensor) -> Tensor:
    """Classes → waveform.

    Args:
        classes_T: int64, any shape, in 0 … 255.

    Shape:
        returns: as `classes_T`; float32 in −1 … 1

    >>> decode(torch.tensor([0, SILENCE])).tolist()
    [-1.0, 0.0]
    """
    companded = 2 * (classes_T.float() - SILENCE) / NUM_CLASSES
    return companded.sign() * torch.expm1(companded.abs() * math.log1p(MU)) / MU


def as_input(classes_T: Tensor) -> Tensor:
    """Classes as the networks see them: float32 in −½ … ½, any shape."""
    return classes_T.float() / MU - 0.5
