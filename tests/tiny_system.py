"""The paper's system, tiny, in float64, and a program that computes its gradients in a world."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from umt_domains.wavenet.learning import WavenetLearning
from umt_trainer.config import RunConfig
from umt_trainer.confusion import ConfusionConfig, ConfusionNetwork
from umt_trainer.data import Recording
from umt_trainer.distributed import World, joined
from umt_trainer.examples import Domain
from umt_trainer.gradients import batch_gradients
from umt_trainer.translation import TranslationNetwork, TranslationTask

HOP, LATENTS, RATE = 100, 8, 4000
CONFIG = RunConfig(steps=4, batch_size=4, crop_s=0.5, shards=1, workers=1)
STEP = 3
DOMAINS = 3
"""With four examples a step, two processes never see the same domains."""


def task() -> TranslationTask:
    torch.manual_seed(0)
    learning = WavenetLearning(RATE, HOP, LATENTS)
    encoder = learning.new_encoder({"blocks": 1, "layers": 3, "channels": 8})
    sizes = {"blocks": 1, "layers": 4, "residual_channels": 8, "skip_channels": 8}
    decoders = [learning.new_decoder(sizes) for _ in range(DOMAINS)]
    network = TranslationNetwork(encoder, decoders, ConfusionNetwork(LATENTS, DOMAINS, 8))
    noise = np.random.default_rng(1)
    domains = [
        Domain(f"d{n}", [Recording(noise.integers(-9000, 9000, 4 * RATE).astype(np.int16))])
        for n in range(DOMAINS)
    ]
    confusion = ConfusionConfig(weight=0.5, input_dropout=0.25)
    return TranslationTask(network.double(), learning, domains, CONFIG, confusion)


def gradients(world: World) -> dict[str, list[Tensor | None]]:
    """By phase: the gradient of each of its parameters for one step."""
    found = {}
    with ThreadPoolExecutor(1) as pool:
        for phase in task().phases():
            _, found[phase.name] = batch_gradients(phase, CONFIG, STEP, world, pool)
    return found


def main(folder: str) -> None:
    with joined(60) as world:
        torch.save(gradients(world), Path(folder) / f"{world.rank}.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
