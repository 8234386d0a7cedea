"""What decoders are shown: a clean hearing and distorted ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from umt_trainer.data import Recording
from umt_trainer.hearing import HEARINGS, hear, heard


@dataclass
class Pairs:
    """An encoder of two latents a pair of samples: their sum, their loudest. Streams hold back."""

    pending: dict[int, Tensor] = field(default_factory=dict)

    def streams(self) -> "Pairs":
        return Pairs()

    def open(self, key: int = 0) -> int:
        self.pending[key] = torch.zeros(0)
        return key

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        ready = {}
        for i, block in blocks.items():
            whole = torch.cat([self.pending[i], block])
            cut = max(0, len(whole) - 4)
            ready[i], self.pending[i] = self._latents(whole[:cut]), whole[cut:]
        return ready

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        return {i: self._latents(self.pending.pop(i)) for i in ids}

    def _latents(self, wav_T: Tensor) -> Tensor:
        pairs = wav_T.view(-1, 2)
        return torch.stack([pairs.sum(1), pairs.amax(1)]) if len(pairs) else torch.zeros(2, 0)


class Louder:
    """A family whose other recordings are louder, and whose last latent is the level."""

    def rehear(self, wav_T: Tensor, seed: int, number: int) -> Tensor:
        random = np.random.default_rng((seed, number))
        return wav_T * random.uniform(2, 3)

    def teachable(self, heard_CF: Tensor, clean_CF: Tensor) -> Tensor:
        return torch.cat([heard_CF[:-1], clean_CF[-1:]])


RECORDING = Recording(np.arange(1, 11, dtype=np.int16) * 1000, name="a.flac")


def test_a_whole_waveform_is_heard_to_its_end() -> None:
    latents = hear(Pairs(), torch.arange(10.0))
    assert latents.tolist() == [[1, 5, 9, 13, 17], [1, 3, 5, 7, 9]]


def test_the_first_hearing_is_clean_and_the_others_are_not() -> None:
    latents = heard(RECORDING, 5, Pairs(), Louder(), seed=1).latents
    clean = hear(Pairs(), torch.from_numpy(RECORDING.wav / 32768).float())
    assert len(latents) == HEARINGS
    assert np.allclose(latents[0], clean, rtol=1e-3)
    for other in latents[1:]:
        assert np.all(other[0] > 1.9 * latents[0][0])
        assert np.array_equal(other[1], latents[0][1])  # what `teachable` keeps


def test_hearings_are_keyed_by_seed_and_number() -> None:
    def sums(number: int, seed: int) -> list[float]:
        hearings = heard(RECORDING, number, Pairs(), Louder(), seed).latents
        return [float(x[0, 0]) for x in hearings[1:]]

    drawn = [sums(number, seed) for number in (0, 1) for seed in (1, 2)]
    assert sums(1, 2) == drawn[-1]
    assert len({x for pair in drawn for x in pair}) == 8
