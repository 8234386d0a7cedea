"""The engine's loop: samples, and within them layers, as compiled code.

`sampler.py` has the same steps in torch, and says why they are the network's. What is
different here:

- Matrix products go through a slot that a micro-kernel fills (`products.py`).
- The past of a layer with dilation d is known d samples ahead: with few streams, its
  product is made for several samples at once, so that the weights are read less often.
- A row's result is the same to the last bit whatever rows are beside it. So there are no
  idle rows: only what plays is computed.

C latent channels, L layers, M = 2R gate and filter, N streams, O those of them that are told their
latents (half of them if guided, else all), P panels, Q µ-law classes, R residual channels,
S skip channels, T samples of one latent frame, W words of a row of R, Y = R + S or more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from umt_domains.wavenet.engine.addresses import fetch, words_at
from umt_domains.wavenet.engine.arithmetic import COARSE, FINE, gate
from umt_domains.wavenet.engine.compiling import Bytes, Floats, Ints, Words, compiled
from umt_domains.wavenet.engine.drawing import choose, guide
from umt_domains.wavenet.engine.products import Slot, add_product, add_words, as_words


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
            memory = words_at(ring(weights, streams, n, layer, i, num_words))
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
        memory = words_at(ring(weights, streams, n, layer, 0, num_words))
        now = words_at(x + 4 * n * x_stride)
        for r in range(num_words):
            memory[r] = now[r]
    add_words(slot, a_NM, x, x_stride, depth, weights.now_LPB[layer])
    if slot.packed == 1:
        gate(a_NM, buffers.h_NR, FINE)
    else:
        gate(a_NM, buffers.h_NR, COARSE)
    add_product(slot, y_NY, buffers.h_NR, residual, weights.out_LPB[layer], words)


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
    uniform_TO: Floats,
    temperature: float,
    top_p: float,
    guidance: float,
    classes_TO: Ints,
) -> None:
    """Sample one latent frame of some streams.

    Args:
        slot: what multiplies.
        weights: packed for it.
        streams: moved on. With guidance the second half of them, N / 2, plays what the first does
            and is untold, see `choice.py`.
        buffers: spoiled.
        latent_NC: padded with zeros to the depth that the weights have.
        uniform_TO: strictly between 0 and 1; of those that are told.
        temperature: as `Choice` has it; 0 where that is greedy.
        top_p: as `Choice` has it.
        guidance: as `Choice` has it.
        classes_TO: receives what was drawn.
    """
    num_samples, num_told = uniform_TO.shape
    num_streams = len(latent_NC)
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
        for n in range(num_told):
            logits_Q = buffers.logits_NQ[n]
            if guidance:
                guide(logits_Q, buffers.logits_NQ[n + num_told], guidance)
            classes_TO[t, n] = choose(logits_Q, uniform_TO[t, n], temperature, top_p)
        for n in range(num_streams):
            drawn = classes_TO[t, n % num_told]
            streams.last_2N[0, n], streams.last_2N[1, n] = streams.last_2N[1, n], drawn
            streams.time_N[n] += 1
