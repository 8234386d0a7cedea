"""What a decoder's network is told of each pitch: how it sounds, or what its key does.

    activations ──▶ features ──▶ network ──▶ amplitudes
    before + F + after   F

Decoders of the first two generations are told the activations themselves and the traces of
strikes; those of the third, keys; those of the fourth, how loud the phrase is as well.

B batch, P pitches, F latent frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.harmonic.config import LATENT_HOP, LATENT_RATE, SAMPLE_RATE, DecoderConfig
from umt_domains.harmonic.keys import FADED, REACH_FRAMES, keys

MEMORY_FRAMES = 300
"""How far back an activation's strike leaves traces: 6 s."""
RECALLED_FRAMES = 298
"""How far back a key's strike is recalled. Networks are told ages as shares of it, so that
another number would be another to those that were taught with this."""
RELEASE_FRAMES = 25
"""How long a pitch may ring after it was last heard: 0.5 s."""
SILENT = 0.03
"""Up to this frame activation a pitch is silent."""
FAINT = 0.05
"""A frame activation, above SILENT, that halves the amplitude."""
MEMORY_S = (0.15, 0.6, 2.4)
"""Time constants of the fading traces that a strike leaves."""
LAST_STRIKE_S = 0.1
"""A strike this long ago counts half as much as one now."""
NO_STRIKE = 3e-5
"""Strikes that add up to less than this were none."""
PHRASE_BEFORE_FRAMES = 75
"""How far back a phrase is heard as one: 1.5 s."""
PHRASE_AFTER_FRAMES = 50
"""And how far ahead: 1 s."""
NOTHING_HEARD = 1e-2
"""Of squared frame activations, added up and averaged over a phrase: a hundredth of a note."""


class NoteFeatures(nn.Module):
    """What a network is told.

    Args:
        struck: only how hard notes were struck counts, not how they swell or fade.

    Attributes:
        num_features: of each pitch.
        before_frames: that have to be known before the first that is told of.
        after_frames: that have to be known after the last.

    Shape:
        activations: (B, 3, P, before + F + after) of frame, onset and velocity
        returns: (B, num_features, P, F), and whether it sounds, 0 … 1: (B, 1, P, F)
    """

    num_features: int
    before_frames: int
    after_frames: int

    def __init__(self, struck: bool) -> None:
        super().__init__()
        self.struck = struck


def note_features(config: DecoderConfig) -> NoteFeatures:
    """Those of a decoder's generation."""
    if config.generation < 3:
        return ActivationFeatures(config.struck)
    return (KeyFeatures if config.generation == 3 else PhraseFeatures)(config.struck)


class KeyFeatures(NoteFeatures):
    """What fingers do, how hard, and for how long they have done it; see `NoteFeatures`."""

    num_features = 4 + len(MEMORY_S)
    # whether a pitch rings depends on what keys did before, and that on strikes before it
    before_frames = RECALLED_FRAMES + REACH_FRAMES + RELEASE_FRAMES
    after_frames = REACH_FRAMES

    def forward(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        """Key, strike, velocity, traces and age."""
        return self._of_keys(activations)

    def _of_keys(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        pressed = keys(activations, RECALLED_FRAMES)
        velocity = pressed.velocity
        if not self.struck:
            frame, _, loud = activations.unbind(1)
            velocity = loud / frame.clamp(min=FADED)
        # what rings goes on as it was when its key came up
        number_F = torch.arange(activations.shape[-1], device=activations.device)
        last = torch.where(pressed.down > 0, number_F, 0).cummax(-1).values
        velocity = velocity.gather(-1, last)
        sounding = functional.max_pool1d(
            pressed.down[..., self.before_frames - RELEASE_FRAMES :], RELEASE_FRAMES + 1, stride=1
        )[:, None, :, :-REACH_FRAMES]
        traces = [torch.exp(-pressed.age_F / LATENT_RATE / constant) for constant in MEMORY_S]
        told = torch.stack(
            [pressed.down, pressed.strike, velocity, *traces, pressed.age_F / RECALLED_FRAMES], 1
        )[..., self.before_frames : -REACH_FRAMES]
        return torch.cat([told[:, :2], told[:, 2:] * sounding], dim=1), sounding


class PhraseFeatures(KeyFeatures):
    """What fingers do, and how loud the phrase is that they play; see `NoteFeatures`.

    How hard a single note was struck is heard with an error as large as what tells forte from
    piano. What all notes of some seconds have in common is heard well.
    """

    num_features = KeyFeatures.num_features + 2
    after_frames = PHRASE_AFTER_FRAMES

    def forward(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        """What keys do; the mean velocity of the phrase so far, and of how it goes on."""
        ahead = PHRASE_AFTER_FRAMES - REACH_FRAMES
        told, sounding = self._of_keys(activations[..., : activations.shape[-1] - ahead])
        frame, _, loud = activations[..., self.before_frames - PHRASE_BEFORE_FRAMES :].unbind(1)
        # squared: faint doubts about eighty silent pitches are no notes
        heard = torch.stack([(frame * loud).sum(1), frame.square().sum(1)], 1)
        so_far = functional.avg_pool1d(
            heard[..., : heard.shape[-1] - PHRASE_AFTER_FRAMES], PHRASE_BEFORE_FRAMES + 1, stride=1
        )
        onward = functional.avg_pool1d(
            heard[..., PHRASE_BEFORE_FRAMES:], PHRASE_AFTER_FRAMES + 1, stride=1
        )
        loud, notes = torch.stack([so_far, onward], 2).unbind(1)
        velocity = loud / (notes + NOTHING_HEARD)
        return torch.cat([told, velocity[:, :, None] * sounding], dim=1), sounding


class ActivationFeatures(NoteFeatures):
    """What is heard of notes, and what is left of their strikes; see `NoteFeatures`."""

    num_features = 3 + len(MEMORY_S)
    before_frames = MEMORY_FRAMES
    after_frames = 0

    _memory: Tensor
    _recent: Tensor

    def __init__(self, struck: bool) -> None:
        super().__init__(struck)
        memory, recent = _memory_kernels()
        self.register_buffer("_memory", memory, persistent=False)
        self.register_buffer("_recent", recent, persistent=False)

    def forward(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        """Frame, onset, velocity and traces."""
        traces = _remembered(activations[:, 1], self._memory)
        now = activations[..., MEMORY_FRAMES:]
        if self.struck:
            now = torch.cat([now[:, :2], self._struck(activations)], dim=1)
        frame = activations[:, :1, :, MEMORY_FRAMES - RELEASE_FRAMES :]
        return torch.cat([now, traces], dim=1), _sounding(frame)

    def _struck(self, activations: Tensor) -> Tensor:
        """Velocity of the last strike, wherever the note sounds: (B, 1, P, F).

        What is heard of a held note's velocity follows its loudness. A piano that plays what
        an oboe held must not take that for a hammer that goes on pressing.
        """
        frame, onset, loud = activations.unbind(1)
        velocity = loud / frame.clamp(min=SILENT)
        # squared: what is no strike must not add up to one
        strikes, struck = (
            _remembered(x, self._recent) for x in (onset.square(), onset.square() * velocity)
        )
        now, still = (x[:, None, :, MEMORY_FRAMES:] for x in (frame, velocity))
        # where no strike was heard there is nothing else to go by
        known: Tensor = now * (struck + NO_STRIKE * still) / (strikes + NO_STRIKE)
        return known


def _sounding(frame: Tensor) -> Tensor:
    """Near 1 while a pitch sounds and half a second after, 0 where nothing is heard.

    The faint activations of eighty silent pitches would else add up to a haze.

    Shape:
        frame: (B, 1, P, release + F), returns: (B, 1, P, F)
    """
    held = functional.max_pool2d(frame, (1, RELEASE_FRAMES + 1), stride=1)
    held = functional.relu(held - SILENT).square()
    return held / (held + FAINT**2)


def _remembered(events: Tensor, kernels: Tensor) -> Tensor:
    """What is left of events in the past: (B, P, memory + F) → (B, kernels, P, F)."""
    left: Tensor = functional.conv1d(events.flatten(0, 1)[:, None], kernels)
    left = left.unflatten(0, events.shape[:2])
    return left.transpose(1, 2)


def _memory_kernels() -> tuple[Tensor, Tensor]:
    """How the past fades: (kernels, 1, memory + 1), the present last.

    The first are those of traces. The second falls so steeply that the last strike counts
    most, and so long that it counts while there is no other.
    """
    age_s = torch.arange(MEMORY_FRAMES, -1, -1) * LATENT_HOP / SAMPLE_RATE
    # faded to nothing where the memory ends, so that a strike does not vanish in a step
    end = 1 - age_s / age_s[0]
    fading = torch.stack([torch.exp(-age_s / constant) for constant in MEMORY_S])
    recent = 1 / (1 + (age_s / LAST_STRIKE_S).square())
    return (fading * end)[:, None], (recent * end)[None, None]
