"""What a system learns from: every domain in turn, as it is and as the encoder hears it.

B examples, T samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from umt_trainer.config import RunConfig
from umt_trainer.data import Recording, draw_batch
from umtcli.learning import Batch, Learning


@dataclass(frozen=True)
class Domain:
    """What one decoder is to sound like.

    Attributes:
        name: of the domain.
        recordings: its music; scores are used where every recording of all domains has one.
    """

    name: str
    recordings: Sequence[Recording]


@dataclass(frozen=True)
class Examples:
    """What a part of a step learns from.

    Attributes:
        clean: the music.
        heard_BT: what the encoder hears of it.
    """

    clean: Batch
    heard_BT: Tensor


@dataclass(frozen=True)
class Music:
    """Examples of all domains, each by its number alone; on the CPU, where all that is made.

    Example n is of domain n mod D, so that domains count alike however much music they have.

    Attributes:
        domains: D of them.
        learning: of the family that is to learn.
        config: of the run.
        distorted: whether the encoder hears what its family makes of the music, or as it is.
    """

    domains: Sequence[Domain]
    learning: Learning
    config: RunConfig
    distorted: bool = True

    def ready(self, index: int, size: int) -> Examples:
        """Examples `index` … `index + size − 1`, and as the encoder is to hear them."""
        clean = self.clean(index, size)
        if not self.distorted:
            return Examples(clean, clean.wav_BT)
        rehear, seed = self.learning.rehear, self.config.seed
        again = [rehear(wav_T, seed, index + i) for i, wav_T in enumerate(clean.wav_BT)]
        return Examples(clean, torch.stack(again))

    def clean(self, index: int, size: int) -> Batch:
        """The same as they are: (size, T) with T whole hops."""
        learning, config = self.learning, self.config
        hop, rate = learning.hop_samples, learning.sample_rate
        length = round(config.crop_s * rate / hop) * hop
        examples = [
            # only scored music is mixed with other music
            draw_batch(
                self._domain(n).recordings, config.seed, n, 1, length, rate,
                with_others=self.scored,
            )
            for n in range(index, index + size)
        ]  # fmt: skip
        return _joined(examples)

    @cached_property
    def scored(self) -> bool:
        """Whether all music has scores; some without would be taught as having no notes."""
        recordings = [recording for domain in self.domains for recording in domain.recordings]
        return all(recording.notes is not None for recording in recordings)

    def _domain(self, number: int) -> Domain:
        return self.domains[number % len(self.domains)]


def _joined(batches: Sequence[Batch]) -> Batch:
    """Consecutive examples as one batch."""
    others = [batch.others for batch in batches if batch.others is not None]
    return Batch(
        torch.cat([batch.wav_BT for batch in batches]),
        batches[0].index,
        tuple(notes for batch in batches for notes in batch.notes),
        _joined(others) if others else None,
    )
