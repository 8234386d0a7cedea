"""How well a system plays held-out music again: what the best network is chosen by.

Reconstruction alone counts. Were the confusion's share in it, the best network would be one
whose latents tell the domain, or one whose classifier fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from umt_trainer.config import RunConfig
from umt_trainer.data import draw_batch
from umt_trainer.distributed import World
from umt_trainer.examples import Domain
from umt_trainer.tasks import DecoderTask, total
from umt_trainer.translation import TranslationNetwork, TranslationTask

Told = Callable[[int, float, dict[str, float]], None]
"""(steps done, mean loss, loss of each domain)."""
Preview = Callable[[TranslationNetwork, int], None]


@dataclass(frozen=True)
class Validation:
    """A `umt_trainer.loop.Judge`: the same examples of held-out music each time.

    Attributes:
        task: that is judged.
        domains: its domains in the same order, with held-out music.
        world: who shares the run; each process takes its share of the examples.
        every_steps: how often.
        num_examples: of each domain.
        told: is told the losses, in every process.
        preview_every: looks between calls of `preview` in the first process; 0 for never.
        preview: plays something.
    """

    task: TranslationTask
    domains: Sequence[Domain]
    world: World
    every_steps: int
    num_examples: int
    told: Told
    preview_every: int = 0
    preview: Preview | None = None

    def due(self, num_steps: int) -> bool:
        """Every so many steps, and after the last."""
        return num_steps % self.every_steps == 0 or num_steps == self._run.steps

    @torch.no_grad()
    def loss(self, network: nn.Module, num_steps: int) -> float:
        """Mean over domains of the loss of playing clean music again."""
        assert isinstance(network, TranslationNetwork)
        task = replace(self.task, network=network)
        sums = torch.zeros(len(self.domains), dtype=torch.float64)
        work = list(self._work())
        for which, first, size in work[self.world.rank :: self.world.size]:
            sums[which] += size * self._played(task, which, first, size).item()
        losses = (self.world.total(sums) / self.num_examples).tolist()
        mean: float = sum(losses) / len(losses)
        names = [domain.name for domain in self.domains]
        self.told(num_steps, mean, dict(zip(names, losses, strict=True)))
        every = self.preview_every * self.every_steps
        if self.preview is not None and every and num_steps % every == 0 and self.world.is_first:
            self.preview(network, num_steps)
        return mean

    @property
    def _run(self) -> RunConfig:
        return self.task.config

    def _work(self) -> Iterator[tuple[int, int, int]]:
        """(domain, first example, how many), as many at once as a part of a batch has."""
        size = self._run.batch_size // self._run.parts(self.world.size)
        for which in range(len(self.domains)):
            for first in range(0, self.num_examples, size):
                yield which, first, min(size, self.num_examples - first)

    def _played(self, task: TranslationTask, which: int, first: int, size: int) -> Tensor:
        learning, hop = task.learning, task.learning.hop_samples
        length = round(self._run.crop_s * learning.sample_rate / hop) * hop
        music, rate = self.domains[which].recordings, learning.sample_rate
        batch = draw_batch(music, self._run.seed, first, size, length, rate)
        decoder = task.network.decoders[which]
        device = next(decoder.parameters()).device
        wav_BT = batch.wav_BT.to(device)
        precise = self._run.precision != "bfloat16"
        with torch.autocast(device.type, torch.bfloat16, enabled=not precise):
            heard_BCF = learning.encode(task.network.encoder, wav_BT)
            return total(task.play(decoder, heard_BCF, wav_BT))


@torch.no_grad()
def decoder_loss(task: DecoderTask, num_examples: int) -> float:
    """The mean loss of a decoder over examples that are the same for every network.

    NaN without music.
    """
    if not task.recordings:
        return math.nan
    losses = [float(total(task.losses(number, 1))) for number in range(num_examples)]
    return sum(losses) / num_examples
