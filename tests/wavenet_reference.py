"""The paper's formulas as loops over samples and layers, in float64, for tests.

Slow and obvious; nothing is shared with the code under test. Weights go by the names of
the authors' files and convolution weights are (out, in, k), the older sample first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

DRAWN = {
    "seed": st.integers(0, 2**31),
    "place": st.integers(100, 9_900),
    "temperature": st.sampled_from([0.0, 0.3, 1.0, 2.0]),
    "top_p": st.sampled_from([0.0, 0.4, 0.9, 1.0]),
}
"""What a draw is tried with; a ten-thousandth of the place is where it falls."""

Array = NDArray[np.float64]
Weights = Mapping[str, Array]


def mulaw_encode(x: float) -> int:
    y = math.copysign(math.log(1 + 255 * abs(x)) / math.log(256), x)
    return math.trunc((y + 1) / 2 * 255)


def mulaw_decode(q: int) -> float:
    y = 2 * (q - 128) / 256
    return math.copysign((256 ** abs(y) - 1) / 255, y)


def network_input(q: int) -> float:
    return q / 255 - 0.5


def hear(weights: Weights, wav: Sequence[float], blocks: int, layers: int, hop: int) -> Array:
    """The encoder on a whole file: (C, ceil(T / hop)); the last hop is filled with silence."""
    wav = [*wav, *[0.0] * (-len(wav) % hop)]
    x = [np.array([network_input(mulaw_encode(float(sample)))]) for sample in wav]
    x = _convolve(x, weights, "start", dilation=1)
    for i in range(blocks * layers):
        y = _convolve(x, weights, f"dilated_convs.{i}.dilated_conv", dilation=2 ** (i % layers))
        y = [np.maximum(value, 0) for value in y]
        y = _convolve(y, weights, f"dilated_convs.{i}.conv_1x1", dilation=1)
        x = [old + new for old, new in zip(x, y, strict=True)]
    z = _convolve(x, weights, "conv_1x1", dilation=1)
    frames = [np.mean(z[first : first + hop], axis=0) for first in range(0, len(z), hop)]
    return np.stack(frames, axis=1)


def _convolve(x: list[Array], weights: Weights, name: str, dilation: int) -> list[Array]:
    """Centred, with zeros beyond the ends."""
    kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    width = kernel.shape[2]
    out = []
    for t in range(len(x)):
        total = bias.copy()
        for k in range(width):
            source = t + (k - width // 2) * dilation
            if 0 <= source < len(x):
                total = total + kernel[:, :, k] @ x[source]
        out.append(total)
    return out


@dataclass
class SlowWaveNet:
    """A WaveNet that remembers all it ever saw."""

    weights: Weights
    blocks: int
    layers: int
    seen: list[list[Array]] = field(default_factory=list)
    """For the first convolution and each layer, its inputs so far."""

    def __post_init__(self) -> None:
        self.seen = [[] for _ in range(1 + self.blocks * self.layers)]

    def step(self, value: float, latent: Array) -> Array:
        """Feed one input (q/255 − 0.5); return the logits of the next sample."""
        x = self._causal(0, np.array([value]), "first_conv", dilation=1)
        skip = self._mix("skip_conv", x)
        for i in range(self.blocks * self.layers):
            dilation = 2 ** (i % self.layers)
            a = self._causal(1 + i, x, f"layers.{i}.causal", dilation)
            a = a + self._mix(f"layers.{i}.condition", latent)
            gate, filtered = a[: len(x)], a[len(x) :]
            h = 1 / (1 + np.exp(-gate)) * np.tanh(filtered)
            x = x + self._mix(f"layers.{i}.residual", h)
            skip = skip + self._mix(f"layers.{i}.skip", h)
        out = self._mix("fc", np.maximum(skip, 0)) + self._mix("condition", latent)
        return self._mix("logits", np.maximum(out, 0))

    def _causal(self, place: int, x: Array, name: str, dilation: int) -> Array:
        self.seen[place].append(x)
        kernel, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        total: Array = bias + kernel[:, :, 1] @ x
        past = len(self.seen[place]) - 1 - dilation
        return total + kernel[:, :, 0] @ self.seen[place][past] if past >= 0 else total

    def _mix(self, name: str, x: Array) -> Array:
        mixed: Array = self.weights[f"{name}.weight"][:, :, 0] @ x + self.weights[f"{name}.bias"]
        return mixed


def forced_logits(
    net: SlowWaveNet, classes: Sequence[int], latents_CF: Array, hop: int, first: float = 0.0
) -> Array:
    """Logits (Q, T) of each class given the true ones before it; `first` enters first."""
    inputs = [first, *[network_input(int(q)) for q in classes[:-1]]]
    steps = [net.step(value, latents_CF[:, t // hop]) for t, value in enumerate(inputs)]
    return np.stack(steps, axis=1)


def sample(
    net: SlowWaveNet,
    latents_CF: Array,
    hop: int,
    uniforms: Sequence[float],
    temperature: float = 1.0,
    top_p: float = 1.0,
    guidance: float = 0.0,
) -> list[int]:
    """Classes drawn one after the other, from silence and zero state.

    With guidance the same network plays along, without latents: (1 + g) · told − g · untold,
    where what is told has at least 0.02 of the likeliest chance.
    """
    classes = [128]
    untold = SlowWaveNet(net.weights, net.blocks, net.layers)
    for t, uniform in enumerate(uniforms):
        logits = net.step(network_input(classes[-1]), latents_CF[:, t // hop])
        if guidance:
            without = untold.step(network_input(classes[-1]), 0 * latents_CF[:, 0])
            likely = logits >= logits.max() + np.log(0.02)
            logits = np.where(likely, (1 + guidance) * logits - guidance * without, -np.inf)
        classes.append(choose(logits, float(uniform), temperature, top_p))
    return classes[1:]


def choose(logits: Array, uniform: float, temperature: float = 1.0, top_p: float = 1.0) -> int:
    """The class where the running sum of chances passes a uniform number."""
    if temperature == 0:
        return int(np.argmax(logits))
    chances = np.exp((logits - logits.max()) / temperature)
    chances /= chances.sum()
    kept, mass = set(), 0.0
    for q in sorted(range(len(chances)), key=lambda q: -chances[q]):
        kept.add(q)
        mass += chances[q]
        if mass >= top_p:
            break
    running = 0.0
    for q in sorted(kept):
        running += chances[q] / mass
        if running > uniform:
            return q
    return max(kept)


def choices_in_float32(logits: Array, uniform: float, temperature: float, top_p: float) -> set[int]:
    """What float32 may choose: it can fall on the other side of an edge, of a class or the set."""
    nearly = (-1e-5, 0, 1e-5)
    return {choose(logits, uniform + u, temperature, top_p + p) for u in nearly for p in nearly}


def authors_encoder(network: Any) -> dict[str, Array]:
    """The weights of our encoder under the authors' names."""
    weights = {**_conv(network.start, "start"), **_conv(network.project, "conv_1x1")}
    for i, layer in enumerate(network.layers):
        weights |= _conv(layer.dilated, f"dilated_convs.{i}.dilated_conv")
        weights |= _conv(layer.mix, f"dilated_convs.{i}.conv_1x1")
    return weights


def authors_decoder(network: Any) -> dict[str, Array]:
    """The weights of our decoder under the authors' names."""
    weights = {**_conv(network.first, "first_conv"), **_conv(network.first_skip, "skip_conv")}
    for name in ("condition", "fc", "logits"):
        weights |= _conv(getattr(network, name), name)
    for i, layer in enumerate(network.layers):
        weights |= _conv(layer.dilated, f"layers.{i}.causal")
        weights |= _conv(layer.condition, f"layers.{i}.condition")
        out = _conv(layer.out, "out")
        for kind, array in out.items():
            residual = network.config.residual_channels
            weights[f"layers.{i}.residual{kind[3:]}"] = array[:residual]
            weights[f"layers.{i}.skip{kind[3:]}"] = array[residual:]
    return weights


def _conv(conv: Any, name: str) -> dict[str, Array]:
    return {
        f"{name}.{kind}": getattr(conv, kind).detach().double().numpy()
        for kind in ("weight", "bias")
    }
