"""What decoders are told of the notes that were heard."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from swelling import swelling
from umt_domains.harmonic.config import NUM_PITCHES
from umt_domains.harmonic.features import (
    MEMORY_FRAMES,
    RECALLED_FRAMES,
    RELEASE_FRAMES,
    ActivationFeatures,
    KeyFeatures,
    NoteFeatures,
    PhraseFeatures,
)

FRAMES = 100
A4 = 69 - 21
DOWN, STRIKE, VELOCITY, AGE, SO_FAR, ONWARD = 0, 1, 2, 6, 7, 8
"""Numbers of what is told of keys."""


def activations(velocity_F: Tensor) -> Tensor:
    """A4, struck in the first frame of `velocity_F` and sounding to its end."""
    notes = torch.zeros(1, 3, NUM_PITCHES, MEMORY_FRAMES + len(velocity_F))
    notes[0, 0, A4, MEMORY_FRAMES:] = 1
    notes[0, 1, A4, MEMORY_FRAMES] = 1
    notes[0, 2, A4, MEMORY_FRAMES:] = velocity_F
    return notes


def test_what_is_struck_keeps_the_velocity_of_its_strike() -> None:
    fading = torch.linspace(0.8, 0.2, FRAMES)
    held, _ = ActivationFeatures(struck=True)(activations(fading))
    followed, _ = ActivationFeatures(struck=False)(activations(fading))
    assert torch.equal(followed[0, 2, A4], fading)
    assert torch.allclose(held[0, 2, A4], torch.tensor(0.8), atol=0.03)
    others = torch.arange(NUM_PITCHES) != A4
    assert float(held[0, :3, others].abs().max()) == 0


def test_the_last_strike_counts() -> None:
    velocity = torch.full((FRAMES,), 0.9)
    velocity[50:] = 0.3
    notes = activations(velocity)
    notes[0, 1, A4, MEMORY_FRAMES + 50] = 1
    # what is heard between strikes is never quite nothing
    notes[0, 1] = notes[0, 1].clamp(min=0.01)
    felt = ActivationFeatures(struck=True)(notes)[0][0, 2, A4]
    assert torch.allclose(felt[:50], torch.tensor(0.9), atol=0.01)
    assert torch.allclose(felt[50:], torch.tensor(0.3), atol=0.1)


def played(velocity_F: Tensor, *, struck: bool) -> tuple[Tensor, Tensor]:
    """What is told of A4's key, (7, F), and whether it rings, from its strike on."""
    features = KeyFeatures(struck)
    notes = torch.zeros(1, 3, NUM_PITCHES, features.before_frames + FRAMES + features.after_frames)
    sounds = slice(features.before_frames, features.before_frames + len(velocity_F))
    notes[0, 0, A4, sounds] = 1
    notes[0, 1, A4, features.before_frames] = 1
    notes[0, 2, A4, sounds] = velocity_F
    told, sounding = features(notes)
    return told[0, :, A4], sounding[0, 0, A4]


def test_a_key_that_came_up_rings_for_half_a_second() -> None:
    told, sounding = played(torch.full((40,), 0.7), struck=True)
    assert told[DOWN].tolist() == 40 * [1] + 60 * [0]
    assert sounding.tolist() == (40 + RELEASE_FRAMES) * [1] + (60 - RELEASE_FRAMES) * [0]
    assert told[STRIKE].nonzero()[:, 0].tolist() == [0]
    assert torch.allclose(told[AGE, :65], torch.arange(65) / RECALLED_FRAMES)
    assert not told[:, 65:].any()


@pytest.mark.parametrize(("struck", "at_the_end"), [(True, 0.8), (False, 0.1)])
def test_what_rings_is_as_loud_as_it_was_when_its_key_came_up(
    struck: bool, at_the_end: float
) -> None:
    told, _ = played(torch.linspace(0.8, 0.1, 40), struck=struck)
    ringing = told[VELOCITY, 40 : 40 + RELEASE_FRAMES]
    assert torch.allclose(ringing, torch.tensor(at_the_end))


def phrases(loud: float, soft: float) -> Tensor:
    """Activations of 3 s of repeated notes of one velocity, then 3 s of another; no silence."""
    features = PhraseFeatures(struck=True)
    around = features.before_frames, features.after_frames
    notes = torch.full((1, 3, NUM_PITCHES, 300 + sum(around)), 0.01)  # faint doubts everywhere
    now = notes[..., around[0] : -around[1]]
    for first in range(0, 300, 10):
        now[0, 0, A4 : A4 + 8 : 4, first : first + 10] = 1
        now[0, 1, A4 : A4 + 8 : 4, first] = 1
        now[0, 2, A4 : A4 + 8 : 4, first : first + 10] = loud if first < 150 else soft
    return notes


def test_a_phrase_is_as_loud_as_all_its_notes() -> None:
    told, sounding = PhraseFeatures(struck=True)(phrases(0.8, 0.5))
    so_far, onward = told[0, SO_FAR], told[0, ONWARD]
    assert so_far[A4, [20, 149]] == pytest.approx([0.8, 0.8], abs=0.02)
    assert onward[A4, [0, 99, 150]] == pytest.approx([0.8, 0.8, 0.5], abs=0.02)
    # 1.5 s into the second phrase nothing is left of the first
    assert so_far[A4, [187, 226, 299]] == pytest.approx([0.65, 0.5, 0.5], abs=0.02)
    # all that sounds is told the same; what is silent, nothing
    assert torch.equal(so_far[A4 + 4], so_far[A4])
    assert not (so_far[0] * (1 - sounding[0, 0, 0])).any()


def test_what_keys_do_is_told_with_the_phrase() -> None:
    notes = swelling(7, 1000)
    told, sounding = PhraseFeatures(struck=True)(notes)
    keys, rings = KeyFeatures(struck=True)(notes)
    num_frames = told.shape[-1]
    assert torch.equal(told[:, :7], keys[..., :num_frames])
    assert torch.equal(sounding, rings[..., :num_frames])


@pytest.mark.parametrize("struck", [False, True])
@pytest.mark.parametrize("kind", [ActivationFeatures, KeyFeatures, PhraseFeatures])
def test_nothing_further_away_than_is_asked_for_counts(
    kind: type[NoteFeatures], struck: bool
) -> None:
    features = kind(struck)
    before, after = features.before_frames, features.after_frames
    notes = swelling(7, 3 * before)
    whole, rings = features(notes)
    for first in (0, 1, 137):
        last = first + before + 300 + after
        part, part_rings = features(notes[..., first:last])
        # kernels are summed in another order where there is more to sum
        assert torch.allclose(part, whole[..., first : first + 300], atol=1e-5)
        assert torch.allclose(part_rings, rings[..., first : first + 300], atol=1e-5)
    if kind is not ActivationFeatures:
        forgotten = (whole[:, DOWN] == 1) & (whole[:, AGE] == 1)
        assert 0.05 < float(forgotten.float().mean()) < 0.5  # there is what could be told wrongly
