"""What a decoder's network does with the notes it is given."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from umt_domains.harmonic.config import NUM_PITCHES, DecoderConfig
from umt_domains.harmonic.decoder import DecoderNetwork

FRAMES = 100
A4, E5 = 69 - 21, 76 - 21


def network(**config: int) -> DecoderNetwork:
    torch.manual_seed(3)
    return DecoderNetwork(DecoderConfig(channels=8, dilations=(1,), noise_bands=8, **config))


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
