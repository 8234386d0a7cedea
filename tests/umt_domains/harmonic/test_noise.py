"""Random phases that belong to a place."""

import math

import pytest
import torch

from umt_domains.harmonic.noise import random_phases, wandering


def test_phases_are_uniform_and_unrelated_between_neighbours() -> None:
    phases = random_phases(seed=1, key=2, frames_F=torch.arange(400), bins_N=torch.arange(513))
    counts = torch.histc(phases, bins=20, min=0, max=2 * math.pi)
    assert float(counts.std() / counts.mean()) < 0.05
    turns = torch.polar(torch.ones_like(phases), phases)
    across_frames = (turns[1:] * turns[:-1].conj()).mean().abs()
    across_bins = (turns[:, 1:] * turns[:, :-1].conj()).mean().abs()
    assert float(across_frames) < 0.01
    assert float(across_bins) < 0.01


def test_a_place_has_one_phase_whatever_is_asked_for_with_it() -> None:
    many = random_phases(7, 0, torch.arange(100), torch.arange(64))
    one = random_phases(7, 0, torch.tensor([57]), torch.arange(64))
    assert torch.equal(many[57:58], one)


def test_seeds_and_keys_do_not_stand_in_for_each_other() -> None:
    frames = torch.arange(50)
    a, b = (
        random_phases(1, 2, frames, torch.arange(64)),
        random_phases(2, 1, frames, torch.arange(64)),
    )
    assert float((a == b).float().mean()) < 0.01


def test_frames_before_the_start_and_large_seeds_are_fine() -> None:
    phases = random_phases(2**63 - 1, 2**62, torch.tensor([-1, 10**12]), torch.arange(8))
    assert bool(((phases >= 0) & (phases <= 2 * math.pi)).all())


@pytest.mark.parametrize("hold", [1, 4, 16])
def test_wandering_goes_straight_from_value_to_value(hold: int) -> None:
    noise = wandering(3, 4, torch.arange(-32, 64), torch.arange(500), hold)
    knots = noise[::hold]
    assert torch.allclose(knots.abs(), torch.ones(knots.shape))
    assert float(knots.mean().abs()) < 0.02
    between = torch.lerp(knots[:-1], knots[1:], torch.tensor(0.5 + 0j))
    if hold > 1:
        assert torch.allclose(noise[hold // 2 :: hold][: len(between)], between, atol=1e-6)
        # the mean of |1 - s + s·turn|² over all s and turns
        assert float(noise.abs().square().mean()) == pytest.approx(2 / 3, abs=0.1 / hold + 0.02)


def test_wandering_is_the_same_in_pieces() -> None:
    bins = torch.tensor([7, 8, 1000])
    whole = wandering(1, 2, torch.arange(-3, 40), bins, 4)
    pieces = [wandering(1, 2, frames, bins, 4) for frames in torch.arange(-3, 40).split(11)]
    assert torch.equal(torch.cat(pieces), whole)
    assert not torch.equal(wandering(1, 3, torch.arange(-3, 40), bins, 4), whole)
