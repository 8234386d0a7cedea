"""The engine's loop: samples, and within them layers, as compiled code.

Numba keeps compiled code between runs and makes it anew when the file that it is in has
changed, but not when a function, constant or tuple has that it takes from another file. So
all that is compiled together is in this one file, whatever its length, and nothing else is.

`sampler.py` has the same steps in torch, and says why they are the network's. What is
different here:

- Matrix products go through a slot that a micro-kernel fills (`kernel.py`).
- The past of a layer with dilation d is known d samples ahead: with few streams, its
  product is made for several samples at once, so that the weights are read less often.
- A row's result is the same to the last bit whatever rows are beside it. So there are no
  idle rows: only what plays is computed.

Source: of the limits of what is kept, Numba's manual, Notes on Caching.

C latent channels, L layers, M = 2R gate and filter, N streams, P panels, Q µ-law classes,
R residual channels, S skip channels, T samples of one latent frame, W words of a row of R,
Y = R + S or more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from umt_domains.wavenet.engine.compiling import compiled

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Words = NDArray[np.int32]
"""What a slot takes in 4 bytes: a float32, two bfloat16 or four int8; behind these a scale."""

LARGEST = np.float32(30)
"""Of what is exponentiated: σ and tanh differ from 0 and 1 by 1e-13 there."""
LEAST = np.float32(40)
"""Chances below e^-40 of the largest count as that."""
LOG2_E = np.float32(1 / np.log(2))
QUADS = 4
"""Of int8 in a word; their rows end with a scale."""
MOST = np.float32(127)
"""Of an int8, on either side of zero."""
ZERO = np.float32(128)
"""As x has it: counted from there on, it needs no sign."""
FAINTEST = np.float32(1e-30)
"""Of what a row in int8 is scaled by; less counts as that."""
LINE_BYTES = 64
"""Of a cache."""
TAYLOR = tuple(np.float32(np.log(2) ** i / np.prod(np.arange(1.0, i + 1))) for i in range(8))
"""Of 2^r."""
FINE, COARSE = 7, 4
"""Degrees: for the last bits of float32; and for bfloat16, some fifty times as near as it tells."""


class Slot(NamedTuple):
    """What fills the slot for matrix products."""

    add_block: Callable[..., None]
    """See `kernel.Kernel`."""
    panels_at_once: Ints
    """By rows of a block; as long as the most rows, and one more."""
    packed: int
    """Numbers in a word of x: 1 of float32, 2 of bfloat16 or 4 of int8."""


class Weights(NamedTuple):
    """A decoder's weights, packed for a slot: matrices as bytes of panels."""

    dilations_L: Ints
    starts_L: Ints
    """Where a layer's ring begins."""
    newer_QY: Floats
    """First convolution of the latest sample: what it adds to x, and to the skip."""
    older_QY: Floats
    past_LPB: Bytes
    now_LPB: Bytes
    out_LPB: Bytes
    """Residual and skip."""
    latent_LPB: Bytes
    constant_LM: Floats
    head_PB: Bytes
    """Conditioning of the output."""
    head_S: Floats
    fc_PB: Bytes
    logits_PB: Bytes
    logits_Q: Floats
    latent: int
    """C, padded to a depth of products."""
    residual: int
    skip: int


class Streams(NamedTuple):
    """Where each stream is. A frame that is played moves it on."""

    memory_N: Ints
    """Address of its rings: words, (sum of dilations, W). See `sampler.py`."""
    time_N: Ints
    """Samples that it has played."""
    last_2N: Ints
    """Its latest two classes, the older first."""


class Buffers(NamedTuple):
    """What a frame of N streams needs beside."""

    steer_LNM: Floats
    """Conditioning of the layers."""
    a_LANM: Floats
    """Sums of a layer before its gates, for A samples ahead. L = 1 if A = 1."""
    past_ANW: Words
    """What the rings hold of those samples."""
    y_NY: Floats
    """The residual path, and the skips so far beside it."""
    h_NR: Floats
    relu_NS: Floats
    head_NS: Floats
    """Conditioning of the output."""
    fc_NS: Floats
    logits_NQ: Floats
    words: Words
    """Of x as bfloat16 or int8, for the largest product."""


def _as_pointer(context: Any, address: Any) -> Any:
    del context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.CPointer(types.int32)(address), generate


def _as_fetch(context: Any, address: Any) -> Any:
    del context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        pointer, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # to be written, into the nearest cache, of data
        place = builder.inttoptr(arguments[0], pointer)
        builder.call(function, [place, word(1), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(address), generate


_words_at = cast("Callable[[int], Any]", intrinsic(_as_pointer))
"""A pointer to words from an address."""
_fetch = cast("Callable[[int], None]", intrinsic(_as_fetch))
"""Bring the cache line of an address near, while other work goes on."""


@compiled
def exponential(x: np.float32, degree: int) -> np.float32:
    """e^x for |x| ≤ 40, by a polynomial of 2^r.

    Within 4e-6 of it with `FINE`, an error that grows with |x|, and within 7e-5 with `COARSE`.
    """
    power = x * LOG2_E
    # truncated after a shift beyond all that is negative: rounded to the nearest
    shifted = np.int32(power + np.float32(64.5))
    r = power - (np.float32(shifted) - np.float32(64))
    total = TAYLOR[degree]
    for i in range(degree):
        total = total * r + TAYLOR[degree - 1 - i]
    return total * np.int32((shifted + 63) << 23).view(np.float32)  # 2^(shifted - 64)


@compiled
def int8_words(channels: int) -> int:
    """How many words a row of int8 is, with its scale."""
    return channels // QUADS + 1


@compiled
def gated(minus_g: np.float32, minus_2f: np.float32, degree: int) -> np.float32:
    """σ(g)·tanh(f), clipped: one division for both."""
    one = np.float32(1)
    g = exponential(-min(max(minus_g, -LARGEST), LARGEST), degree)
    f = exponential(-min(max(minus_2f, -LARGEST), LARGEST), degree)
    return (one - f) / ((one + g) * (one + f))


@compiled
def gate(a_NM: Floats, h_NR: Floats) -> None:
    """All gates of a layer, where `a` holds −g and −2f.

    Here, and where rows are rounded, they are taken out first: where all indices plainly begin
    at 0, LLVM makes vectors of a loop.
    """
    residual = h_NR.shape[1]
    for n in range(len(h_NR)):
        g_R, f_R, h_R = a_NM[n], a_NM[n, residual:], h_NR[n]
        for r in range(residual):
            h_R[r] = gated(g_R[r], f_R[r], FINE)


@compiled
def gate_halved(a_NM: Floats, residual: int, words: Words) -> None:
    """The same, as bfloat16."""
    halves = words.view(np.uint16)
    for n in range(len(a_NM)):
        g_R, f_R, row = a_NM[n], a_NM[n, residual:], halves[n * residual :]
        for r in range(residual):
            row[r] = half(gated(g_R[r], f_R[r], COARSE))


@compiled
def gate_quantized(a_NM: Floats, residual: int, words: Words) -> None:
    """The same, as int8: none is beyond ±1."""
    bytes_, scales, row_words = words.view(np.uint8), words.view(np.float32), int8_words(residual)
    for n in range(len(a_NM)):
        g_R, f_R, row = a_NM[n], a_NM[n, residual:], bytes_[QUADS * n * row_words :]
        for r in range(residual):
            row[r] = quantized(gated(g_R[r], f_R[r], COARSE), MOST)
        scales[(n + 1) * row_words - 1] = np.float32(1) / MOST


@compiled
def half(x: np.float32) -> np.uint16:
    """Round to bfloat16, the upper half of a float32's bits: to the nearest even."""
    bits = np.float32(x).view(np.uint32)
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    return np.uint16((bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))


@compiled
def quantized(x: np.float32, scale: np.float32) -> np.uint8:
    """Round x · scale, which is within ±127, to an int8 that is counted from 128 on."""
    return np.uint8(np.int32(x * scale + (ZERO + np.float32(0.5))))


@compiled
def halve(x_NK: Floats, depth: int, words: Words) -> None:
    """Round to bfloat16."""
    halves = words.view(np.uint16)
    for n in range(len(x_NK)):
        x_K, row = x_NK[n], halves[n * depth :]
        for k in range(depth):
            row[k] = half(x_K[k])


@compiled
def quantize(x_NK: Floats, depth: int, words: Words) -> None:
    """Round to int8, each row by its largest number."""
    bytes_, scales, row_words = words.view(np.uint8), words.view(np.float32), int8_words(depth)
    for n in range(len(x_NK)):
        x_K, row = x_NK[n], bytes_[QUADS * n * row_words :]
        bits_K = x_K.view(np.uint32)
        # of what has no sign the larger number has the larger bits
        most = np.uint32(0)
        for k in range(depth):
            most = max(most, bits_K[k] & np.uint32(0x7FFFFFFF))
        largest = max(np.uint32(most).view(np.float32), FAINTEST)
        scale = MOST / largest
        for k in range(depth):
            row[k] = quantized(x_K[k], scale)
        scales[(n + 1) * row_words - 1] = largest / MOST


@compiled
def row_words(slot: Slot, channels: int) -> int:
    """How many words a row of so many channels is, and its scale if it has one."""
    return int8_words(channels) if slot.packed == QUADS else channels // slot.packed


@compiled
def as_words(slot: Slot, x_NK: Floats, depth: int, words: Words) -> tuple[int, int]:
    """Address and stride of rows as the slot takes them; float32 stays where it is."""
    if slot.packed == 1:
        return x_NK.ctypes.data, x_NK.shape[1]
    if slot.packed == 2:
        halve(x_NK, depth, words)
    else:
        quantize(x_NK, depth, words)
    return words.ctypes.data, row_words(slot, depth)


@compiled
def gate_as_words(
    slot: Slot, a_NM: Floats, h_NR: Floats, residual: int, words: Words
) -> tuple[int, int]:
    """Gates of a layer, in the same way."""
    if slot.packed == 1:
        gate(a_NM, h_NR)
        return h_NR.ctypes.data, h_NR.shape[1]
    if slot.packed == 2:
        gate_halved(a_NM, residual, words)
    else:
        gate_quantized(a_NM, residual, words)
    return words.ctypes.data, row_words(slot, residual)


@compiled
def add_product(
    slot: Slot, y_NM: Floats, x_NK: Floats, depth: int, w_PB: Bytes, words: Words
) -> None:
    """Add x · W to y. W has `depth` rows, and x at least as many columns."""
    x, x_stride = as_words(slot, x_NK, depth, words)
    add_words(slot, y_NM, x, x_stride, depth // slot.packed, w_PB)


@compiled
def add_words(slot: Slot, y_NM: Floats, x: int, x_stride: int, depth: int, w_PB: Bytes) -> None:
    """The same, cut into blocks; x is the address of words, and so are depth and strides."""
    rows, num_panels = len(y_NM), len(w_PB)
    y, y_stride, w = y_NM.ctypes.data, y_NM.shape[1], w_PB.ctypes.data
    width = y_stride // num_panels
    num_blocks = -(-rows // (len(slot.panels_at_once) - 1))
    at_once = slot.panels_at_once[-(-rows // num_blocks)]
    panel = 0
    while panel < num_panels:
        if panel + at_once > num_panels:
            at_once = 1
        for block in range(num_blocks):
            first, end = rows * block // num_blocks, rows * (block + 1) // num_blocks
            y_block = y + 4 * (first * y_stride + panel * width)
            x_block = x + 4 * first * x_stride
            slot.add_block(y_block, y_stride, x_block, x_stride, w, depth, end - first, at_once)
        w += at_once * w_PB.shape[1]
        panel += at_once


@compiled
def choose(logits_Q: Floats, uniform: float, temperature: float, top_p: float) -> int:
    """As `Choice.draw`, for one row; spoils the logits."""
    num_classes, most = len(logits_Q), logits_Q[0]
    for q in range(1, num_classes):
        most = max(most, logits_Q[q])
    if temperature == 0:
        best = 0
        while logits_Q[best] < most:
            best += 1
        return best
    scale = np.float32(1 / temperature)
    for q in range(num_classes):
        logits_Q[q] = exponential(max((logits_Q[q] - most) * scale, -LEAST), FINE)
    if top_p < 1:
        keep_nucleus(logits_Q, top_p)
    for q in range(1, num_classes):
        logits_Q[q] += logits_Q[q - 1]
    target = uniform * logits_Q[num_classes - 1]
    chosen = 0
    while logits_Q[chosen] <= target:
        chosen += 1
    return chosen


@compiled
def keep_nucleus(chance_Q: Floats, top_p: float) -> None:
    """As `choice.nucleus`, of chances that need not sum to 1."""
    total = np.float32(0)
    for q in range(len(chance_Q)):
        total += chance_Q[q]
    wanted, kept = top_p * total, np.float32(0)
    # what is kept is marked by its sign until the set is complete
    while True:
        best = 0
        for q in range(1, len(chance_Q)):
            if chance_Q[q] > chance_Q[best]:
                best = q
        if chance_Q[best] <= 0:
            break
        kept += chance_Q[best]
        chance_Q[best] = -chance_Q[best]
        if kept >= wanted:
            break
    for q in range(len(chance_Q)):
        chance_Q[q] = max(-chance_Q[q], np.float32(0))


@compiled
def condition(slot: Slot, weights: Weights, latent_NC: Floats, buffers: Buffers) -> None:
    """What one latent frame adds to every sample of it."""
    steer_LNM, head_NS, depth = buffers.steer_LNM, buffers.head_NS, weights.latent
    for layer in range(len(steer_LNM)):
        for n in range(len(latent_NC)):
            for m in range(steer_LNM.shape[2]):
                steer_LNM[layer, n, m] = weights.constant_LM[layer, m]
        w_PB = weights.latent_LPB[layer]
        add_product(slot, steer_LNM[layer], latent_NC, depth, w_PB, buffers.words)
    for n in range(len(latent_NC)):
        for s in range(head_NS.shape[1]):
            head_NS[n, s] = weights.head_S[s]
    add_product(slot, head_NS, latent_NC, depth, weights.head_PB, buffers.words)


@compiled
def enter(weights: Weights, streams: Streams, y_NY: Floats) -> None:
    """The first convolution, of the latest two classes."""
    for n in range(len(y_NY)):
        older, newer = streams.last_2N[0, n], streams.last_2N[1, n]
        for c in range(y_NY.shape[1]):
            y_NY[n, c] = weights.newer_QY[newer, c] + weights.older_QY[older, c]


@compiled
def ring(weights: Weights, streams: Streams, n: int, layer: int, ahead: int, num_words: int) -> int:
    """Address of what a stream remembers of a layer's input, at a time from now."""
    place = (streams.time_N[n] + ahead) & (weights.dilations_L[layer] - 1)
    offset = (weights.starts_L[layer] + place) * num_words
    address: int = streams.memory_N[n] + 4 * offset
    return address


@compiled
def foreseen(weights: Weights, buffers: Buffers, layer: int, t: int, num_samples: int) -> int:
    """For how many samples from `t` on a layer's past is multiplied now; 0: it was before."""
    known = min(weights.dilations_L[layer], buffers.a_LANM.shape[1])
    return min(known, num_samples - t) if t % known == 0 else 0


@compiled
def fetch(address: int, num_bytes: int) -> None:
    """Bring so many bytes near."""
    for line in range(address - address % LINE_BYTES, address + num_bytes, LINE_BYTES):
        _fetch(line)


@compiled
def fetch_layer(
    weights: Weights, streams: Streams, buffers: Buffers, layer: int, t: int, num_samples: int
) -> None:
    """Let come near what a layer is about to read, of all that is larger than caches."""
    soon, num_words = foreseen(weights, buffers, layer, t, num_samples), buffers.past_ANW.shape[2]
    _, most, num_streams, width = buffers.a_LANM.shape
    known = min(weights.dilations_L[layer], most)
    for n in range(num_streams):
        for i in range(soon):
            fetch(ring(weights, streams, n, layer, i, num_words), 4 * num_words)
        if soon:
            fetch(buffers.steer_LNM[layer, n].ctypes.data, 4 * width)
        else:
            a_NM = buffers.a_LANM[layer % len(buffers.a_LANM), t % known]
            fetch(a_NM[n].ctypes.data, 4 * width)


@compiled
def look_back(
    slot: Slot, weights: Weights, streams: Streams, buffers: Buffers, layer: int, known: int
) -> None:
    """Begin a layer's sums for some samples ahead: conditioning and past."""
    a_ANM, past_ANW = buffers.a_LANM[layer % len(buffers.a_LANM)], buffers.past_ANW
    _, num_streams, width = a_ANM.shape
    num_words = past_ANW.shape[2]
    for i in range(known):
        for n in range(num_streams):
            memory = _words_at(ring(weights, streams, n, layer, i, num_words))
            past_W, a_M, steer_M = past_ANW[i, n], a_ANM[i, n], buffers.steer_LNM[layer, n]
            for r in range(num_words):
                past_W[r] = memory[r]
            for m in range(width):
                a_M[m] = steer_M[m]
    a = a_ANM[:known].reshape(known * num_streams, width)
    depth = weights.residual // slot.packed
    add_words(slot, a, past_ANW.ctypes.data, num_words, depth, weights.past_LPB[layer])


@compiled
def pass_layer(
    slot: Slot, weights: Weights, streams: Streams, buffers: Buffers, layer: int, a_NM: Floats
) -> None:
    """One sample through one layer, whose sums have begun."""
    y_NY, words, residual = buffers.y_NY, buffers.words, weights.residual
    depth, num_words = residual // slot.packed, buffers.past_ANW.shape[2]
    x, x_stride = as_words(slot, y_NY, residual, words)
    for n in range(len(y_NY)):
        memory = _words_at(ring(weights, streams, n, layer, 0, num_words))
        now = _words_at(x + 4 * n * x_stride)
        for r in range(num_words):
            memory[r] = now[r]
    add_words(slot, a_NM, x, x_stride, depth, weights.now_LPB[layer])
    h, h_stride = gate_as_words(slot, a_NM, buffers.h_NR, residual, words)
    add_words(slot, y_NY, h, h_stride, depth, weights.out_LPB[layer])


@compiled
def leave(slot: Slot, weights: Weights, buffers: Buffers) -> None:
    """From the skips to the logits."""
    y_NY, relu_NS, fc_NS, logits_NQ = (
        buffers.y_NY,
        buffers.relu_NS,
        buffers.fc_NS,
        buffers.logits_NQ,
    )
    zero = np.float32(0)
    for n in range(len(y_NY)):
        for s in range(weights.skip):
            relu_NS[n, s] = max(y_NY[n, weights.residual + s], zero)
        for s in range(fc_NS.shape[1]):
            fc_NS[n, s] = buffers.head_NS[n, s]
    add_product(slot, fc_NS, relu_NS, weights.skip, weights.fc_PB, buffers.words)
    for n in range(len(y_NY)):
        for s in range(weights.skip):
            relu_NS[n, s] = max(fc_NS[n, s], zero)
        for q in range(logits_NQ.shape[1]):
            logits_NQ[n, q] = weights.logits_Q[q]
    add_product(slot, logits_NQ, relu_NS, weights.skip, weights.logits_PB, buffers.words)


@compiled
def play(
    slot: Slot,
    weights: Weights,
    streams: Streams,
    buffers: Buffers,
    latent_NC: Floats,
    uniform_TN: Floats,
    temperature: float,
    top_p: float,
    classes_TN: Ints,
) -> None:
    """Sample one latent frame of some streams.

    Args:
        slot: what multiplies.
        weights: packed for it.
        streams: moved on.
        buffers: spoiled.
        latent_NC: padded with zeros to the depth that the weights have.
        uniform_TN: strictly between 0 and 1.
        temperature: as `Choice` has it; 0 where that is greedy.
        top_p: as `Choice` has it.
        classes_TN: receives what was drawn.
    """
    num_samples, num_streams = uniform_TN.shape
    num_layers = len(weights.dilations_L)
    condition(slot, weights, latent_NC, buffers)
    for t in range(num_samples):
        enter(weights, streams, buffers.y_NY)
        for layer in range(num_layers):
            if layer + 1 < num_layers:
                fetch_layer(weights, streams, buffers, layer + 1, t, num_samples)
            soon = foreseen(weights, buffers, layer, t, num_samples)
            if soon:
                look_back(slot, weights, streams, buffers, layer, soon)
            known = min(weights.dilations_L[layer], buffers.a_LANM.shape[1])
            a_NM = buffers.a_LANM[layer % len(buffers.a_LANM), t % known]
            pass_layer(slot, weights, streams, buffers, layer, a_NM)
        leave(slot, weights, buffers)
        for n in range(num_streams):
            drawn = choose(buffers.logits_NQ[n], uniform_TN[t, n], temperature, top_p)
            streams.last_2N[0, n], streams.last_2N[1, n] = streams.last_2N[1, n], drawn
            streams.time_N[n] += 1
            classes_TN[t, n] = drawn
