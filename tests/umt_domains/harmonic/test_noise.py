"""Random phases that belong to a place."""

import math

import torch

from umt_domains.harmonic.noise import random_phases


def test_phases_are_uniform_and_unrelated_between_neighbours() -> None:
    phases = random_phases(seed=1, key=2, frames_F=torch.arange(400), num_bins=513)
    counts = torch.histc(phases, bins=20, min=0, max=2 * math.pi)
    assert float(counts.std() / counts.mean()) < 0.05
    turns = torch.polar(torch.ones_like(phases), phases)
    across_frames = (turns[1:] * turns[:-1].conj()).mean().abs()
    across_bins = (turns[:, 1:] * turns[:, :-1].conj()).mean().abs()
    assert float(across_frames) < 0.01
    assert float(across_bins) < 0.01


def test_a_place_has_one_phase_whatever_is_asked_for_with_it() -> None:
    many = random_phases(7, 0, torch.arange(100), 64)
    one = random_phases(7, 0, torch.tensor([57]), 64)
    assert torch.equal(many[57:58], one)


def test_seeds_and_keys_do_not_stand_in_for_each_other() -> None:
    frames = torch.arange(50)
    a, b = random_phases(1, 2, frames, 64), random_phases(2, 1, frames, 64)
    assert float((a == b).float().mean()) < 0.01


def test_frames_before_the_start_and_large_seeds_are_fine() -> None:
    phases = random_phases(2**63 - 1, 2**62, torch.tensor([-1, 10**12]), 8)
    assert bool(((phases >= 0) & (phases <= 2 * math.pi)).all())
