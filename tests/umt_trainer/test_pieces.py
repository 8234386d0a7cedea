"""Long music is cut into stretches, thinned out evenly, and heard in order."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from umt_trainer import pieces
from umt_trainer.data import Recording
from umt_trainer.pieces import hear_all, load_pieces, playable_share

RATE = 10  # a piece of 120 s is 1200 samples


def counting(*lengths: int) -> list[Recording]:
    return [
        Recording(np.arange(n, dtype=np.int16), name=f"{k}", digest=f"d{k}")
        for k, n in enumerate(lengths)
    ]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch):
    def loaded(recordings: list[Recording], longest_s: float = 1e9) -> list[Recording]:
        monkeypatch.setattr(pieces, "load_split", lambda folder, split: recordings)
        return load_pieces(Path(), "train", longest_s, RATE)

    return loaded


def test_stretches_are_all_of_the_music_once(load) -> None:
    whole = counting(300, 1200, 1799, 1801, 5000)
    cut = load(whole)
    for k, recording in enumerate(whole):
        mine = [piece.wav for piece in cut if piece.digest == f"d{k}"]
        assert np.array_equal(np.concatenate(mine), recording.wav)
    lengths = [len(piece.wav) for piece in cut]
    assert lengths == [300, 1200, 1799, 1200, 601, 1200, 1200, 1200, 1400]
    assert len({piece.name for piece in cut}) == len(cut)


def test_more_than_is_wanted_is_thinned_out_over_all_of_it(load) -> None:
    cut = load(counting(*[1200] * 40), longest_s=1200.0)
    assert [int(piece.name.split("+")[0]) for piece in cut] == [
        3,
        7,
        11,
        15,
        19,
        23,
        27,
        31,
        35,
        39,
    ]


def test_short_takes_are_counted_by_their_length(load) -> None:
    assert len(load(counting(*[50] * 40), longest_s=100.0)) == 20


def test_something_is_always_left(load) -> None:
    assert len(load(counting(1200), longest_s=5.0)) == 1
    assert load([]) == []


class Sharer:
    """A family that can play what is above zero, and hears the wave itself."""

    sample_rate = RATE

    def playable_share(self, latents_CF: Tensor, wav_T: Tensor) -> float:
        assert torch.equal(latents_CF[0], wav_T)
        return float((wav_T > 0).float().mean())

    def rehear(self, wav_T: Tensor, seed: int, number: int) -> Tensor:
        return wav_T + number

    def teachable(self, heard_CF: Tensor, clean_CF: Tensor) -> Tensor:
        return heard_CF


class Echo:
    """An encoder whose only latent is the wave."""

    def streams(self) -> "Echo":
        return self

    def open(self, key: int = 0) -> int:
        return 0

    def push(self, blocks: dict[int, Tensor]) -> dict[int, Tensor]:
        return {0: blocks[0][None]}

    def finish(self, ids: list[int]) -> dict[int, Tensor]:
        return {0: torch.zeros(1, 0)}


def test_the_playable_share_is_that_of_excerpts_from_all_over() -> None:
    silent, sounding = np.zeros(200, np.int16), np.full(200, 9, np.int16)
    music = [Recording(wav) for wav in (silent, sounding, sounding, sounding)]
    assert playable_share(music, Echo(), Sharer()) == 0.75
    assert playable_share(music[:1], Echo(), Sharer()) == 0


def test_all_is_heard_in_order_whatever_the_number_of_threads() -> None:
    music, seconds = counting(20, 30, 40, 50), []
    one = hear_all(music, Echo(), Sharer(), 1, 2, 1, seconds.append)
    three = hear_all(music, Echo(), Sharer(), 1, 2, 3, lambda s: None)
    assert [len(r.wav) for r in one] == [20, 30, 40, 50]
    assert sum(seconds) == 2 * 14
    for a, b in zip(one, three, strict=True):
        assert len(a.latents) == 2
        assert all(np.array_equal(x, y) for x, y in zip(a.latents, b.latents, strict=True))
