"""A decoder's weights, packed once as the engine's micro-kernel reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from umt_domains.wavenet.engine.compiling import Bytes, Floats, Words
from umt_domains.wavenet.engine.kinds import DEPTH_MULTIPLE, Kind
from umt_domains.wavenet.engine.loop import Weights
from umt_domains.wavenet.engine.rounding import FAINTEST, MOST, ZERO
from umt_domains.wavenet.folded import Folded

CACHE_LINE_BYTES = 64

Array = NDArray[Any]


def pack(folded: Folded, kind: Kind) -> Weights:
    """Arrange folded weights, which must be on the CPU, for a kind of micro-kernel."""
    config = folded.config
    dilations_L = np.array(config.dilations)
    skip_LRS = folded.skip_KS.view(len(dilations_L), config.residual_channels, -1)
    # the sampler's h is −σ·tanh, the engine's is σ·tanh
    out_LRY = -_array(folded.residual_LRR, skip_LRS)
    newer_QR, older_QR = folded.newer_QR.double(), folded.older_QR.double()
    first_skip_RS = folded.first_skip_RS.double()
    return Weights(
        dilations_L=dilations_L,
        starts_L=dilations_L.cumsum() - dilations_L,
        newer_QY=_wide(_array(newer_QR, newer_QR @ first_skip_RS + folded.skip_S), kind),
        older_QY=_wide(_array(older_QR, older_QR @ first_skip_RS), kind),
        past_LPB=panels(_array(folded.past_LRM), kind),
        now_LPB=panels(_array(folded.now_LRM), kind),
        out_LPB=panels(out_LRY, kind),
        latent_LPB=panels(_array(folded.latent_LCM), kind),
        constant_LM=_wide(_array(folded.constant_LM[:, 0]), kind),
        head_PB=panels(_array(folded.head_CS), kind),
        head_S=_wide(_array(folded.head_S), kind),
        fc_PB=panels(_array(folded.fc_SS), kind),
        logits_PB=panels(_array(folded.logits_SQ), kind),
        logits_Q=_array(folded.logits_Q),
        latent=deep(config.latent_channels),
        residual=config.residual_channels,
        skip=config.skip_channels,
    )


def panels(matrices: Floats, kind: Kind) -> Bytes:
    """Cut matrices into panels, padded with zeros.

    Shape:
        matrices: (…, K, M)
        returns: (…, P, bytes of a panel)
    """
    *stack, depth, _ = matrices.shape
    padding = [(0, 0)] * len(stack) + [(0, deep(depth) - depth), (0, 0)]
    padded = _wide(np.pad(matrices, padding), kind)
    if kind.precision == "float32":
        parts: tuple[Array, ...] = (padded,)
    elif kind.precision == "bfloat16":
        parts = (halved(padded),)
    else:
        parts = _quantized(padded)
    rows = [_rows(part, kind) for part in parts]
    return _aligned(np.concatenate(rows, axis=-2)).reshape(*rows[0].shape[:-2], -1)


def _quantized(matrices: Floats) -> tuple[Array, Array, Array]:
    """int8 numbers, and for each column what its sums start from and its scale."""
    largest = np.abs(matrices).max(axis=-2, keepdims=True)
    scales = np.maximum(largest, FAINTEST) / MOST
    numbers = np.rint(matrices / scales)
    starts = -ZERO * numbers.sum(axis=-2, keepdims=True)
    return numbers.astype(np.int8), starts.astype(np.int32), scales


def _rows(numbers: Array, kind: Kind) -> Words:
    """The rows of panels, (…, P, words of K, columns): what shares a word is side by side."""
    packed = 4 // numbers.itemsize
    *stack, depth, _ = numbers.shape
    cut = numbers.reshape(*stack, depth // packed, packed, -1, kind.width)
    beside = np.moveaxis(cut, (-4, -3), (-3, -1))  # (…, P, words of K, columns, of a word)
    words: Words = np.ascontiguousarray(beside).view(np.int32)[..., 0]
    return words


def deep(channels: int) -> int:
    """The depth of a product that holds so many channels."""
    return -(-channels // DEPTH_MULTIPLE) * DEPTH_MULTIPLE


def _array(*beside: Tensor) -> Floats:
    array: Floats = np.concatenate([tensor.float().numpy() for tensor in beside], axis=-1)
    return array


def _wide(rows: Floats, kind: Kind) -> Floats:
    """Rows padded with zeros until they fill panels."""
    missing = -rows.shape[-1] % kind.width
    return np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, missing)])


def halved(values: Floats) -> NDArray[np.uint16]:
    """Rounded to bfloat16, to the nearest even. See `rounding.halve`."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def _aligned(values: Array) -> Bytes:
    """The bytes, from a cache line's beginning on."""
    raw = np.empty(values.nbytes + CACHE_LINE_BYTES, np.uint8)
    start = -raw.ctypes.data % CACHE_LINE_BYTES
    bytes_ = raw[start : start + values.nbytes]
    bytes_[:] = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
    return bytes_
