"""What a decoder's network does with the notes it is given."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from umt_domains.harmonic.config import NUM_PITCHES, DecoderConfig
from umt_domains.harmonic.decoder import MEMORY_FRAMES, DecoderNetwork

FRAMES = 100
A4, E5 = 69 - 21, 76 - 21


def network(**config: int) -> DecoderNetwork:
    torch.manual_seed(3)
    return DecoderNetwork(DecoderConfig(channels=8, dilations=(1,), noise_bands=8, **config))


def activations(velocity_F: Tensor) -> Tensor:
    """A4, struck in the first frame of `velocity_F` and sounding to its end."""
    notes = torch.zeros(1, 3, NUM_PITCHES, MEMORY_FRAMES + len(velocity_F))
    notes[0, 0, A4, MEMORY_FRAMES:] = 1
    notes[0, 1, A4, MEMORY_FRAMES] = 1
    notes[0, 2, A4, MEMORY_FRAMES:] = velocity_F
    return notes


def test_what_is_struck_keeps_the_velocity_of_its_strike() -> None:
    fading = torch.linspace(0.8, 0.2, FRAMES)
    held = network(generation=2, struck=True)._features(activations(fading))
    followed = network(generation=2)._features(activations(fading))
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
    felt = network(generation=2, struck=True)._features(notes)[0, 2, A4]
    assert torch.allclose(felt[:50], torch.tensor(0.9), atol=0.01)
    assert torch.allclose(felt[50:], torch.tensor(0.3), atol=0.1)


def test_notes_bring_noise_of_their_own_that_adds_up_in_power() -> None:
    decoder = network(generation=2)
    torch.nn.init.zeros_(decoder.noise.weight)

    def noise_of(*pitches: int) -> Tensor:
        features = torch.zeros(1, 6, NUM_PITCHES, FRAMES)
        sounding = torch.zeros(1, 1, NUM_PITCHES, FRAMES)
        sounding[0, 0, list(pitches)] = 1
        with torch.no_grad():
            _, noise = decoder._steer(features, sounding, torch.tensor(pitches))
        return noise

    one, two = noise_of(A4), noise_of(A4, E5)
    assert float(one.min()) > 0
    assert torch.allclose(two, one * math.sqrt(2), rtol=1e-3)


def test_a_section_that_cannot_be_played_is_refused_before_it_is_trained() -> None:
    with pytest.raises(ValueError, match="players is 0"):
        network(players=0)
