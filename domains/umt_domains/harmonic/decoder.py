"""A domain's decoder in the harmonic family: latents → steered synthesizer → waveform.

The network sees what the key of each pitch does and its neighbours', how long ago it was
struck, and which pitch it is; it steers the amplitudes of that pitch's partials and some filtered
noise. Pitches that do not sound cost nothing. All is relative to the level in the latents,
which is multiplied back in at the end: playing a piece 20 dB softer gives the same
performance, 20 dB softer.

B batch, C latent channels, F latent frames, J control frames, P pitches, S of them that
sound, M feature maps, A amplitude points, Q noise bands, T samples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.harmonic.config import (
    LATENT_CHANNELS,
    LATENT_HOP,
    LATENT_RATE,
    NUM_PITCHES,
    SAMPLE_RATE,
    DecoderConfig,
)
from umt_domains.harmonic.keys import FADED, REACH_FRAMES, keys
from umt_domains.harmonic.layers import bias_of
from umt_domains.harmonic.notes import more_sensitive, moved
from umt_domains.harmonic.room import Room
from umt_domains.harmonic.section import REACH, Section
from umt_domains.harmonic.synth import AMPLITUDE_POINTS, Synthesizer
from umtcli.domain import Streams, Value
from umtcli.pipeline.windows import WindowedStreams

STEP_FRAMES = 200  # 4 s a window
MEMORY_FRAMES = 300
"""How far back a strike is remembered: 6 s."""
MAX_TILT_DB = 4.0
"""What brightness 1 adds to the overtones, in dB per octave above the fundamental."""
RECALLED_FRAMES = MEMORY_FRAMES - 2
"""How far back a key's strike is: that a frame is a peak, its neighbours tell."""
RELEASE_FRAMES = 25
"""How long a pitch may ring after it was last heard: 0.5 s."""
LEVEL_OF_SILENCE = 2e-6
"""Up to this level, −114 dBFS, there is nothing to play."""
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
LEAST_NOISE = 1e-14
"""Of the power of noise bands: 140 dB below the music."""
VOICES = 8
"""Pitches that sound at a time in full music: what sums over pitches are scaled by."""


class DecoderNetwork(nn.Module):
    """Latents → waveform of one domain.

    Shape:
        latents: (B, C, memory + reach + F + reach)
        returns: (B, F·hop)
    """

    _memory: Tensor
    _recent: Tensor

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        maps = config.channels
        num_features = (3 if config.generation < 3 else 4) + len(MEMORY_S)
        self.entry = nn.Conv2d(num_features, maps, 3, padding=1)
        self.pitch = nn.Parameter(0.1 * torch.randn(1, config.pitch_embedding, NUM_PITCHES, 1))
        self.place = nn.Conv2d(config.pitch_embedding, maps, 1, bias=False)
        self.blocks = nn.ModuleList(
            nn.Conv2d(maps, maps, (1, 5), padding=(0, 2 * d), dilation=(1, d))
            for d in config.dilations
        )
        self.sharpen = nn.Conv2d(maps, maps, (1, 5), padding=(0, 2))
        self.loudness = nn.Conv2d(maps, 1, 1)
        self.timbre = nn.Conv2d(maps, len(AMPLITUDE_POINTS), 1)
        falling = -0.6 * torch.tensor(AMPLITUDE_POINTS).log2()
        self.register = nn.Parameter(falling[None, :, None, None].repeat(1, 1, NUM_PITCHES, 1))
        self.noise: nn.Conv1d | nn.Conv2d
        if config.generation == 1:
            self.noise = nn.Conv1d(2 * maps, config.noise_bands, 1)
        else:
            self.noise = nn.Conv2d(maps, config.noise_bands, 1)
        self.synth = Synthesizer(config.inharmonicity, config.noise_bands)
        self.section = Section(config.players, config.vibrato_cents, config.drift_cents)
        memory, recent = _memory_kernels()
        self.register_buffer("_memory", memory, persistent=False)
        self.register_buffer("_recent", recent, persistent=False)
        # a network that begins far too softly spends its first thousand steps on that
        nn.init.constant_(bias_of(self.loudness), -3.0 if config.generation < 3 else 0.0)
        nn.init.constant_(bias_of(self.noise), -4.0)

    @property
    def reach_frames(self) -> int:
        """Latent frames that the network looks beyond a frame, on either side."""
        of_keys = REACH_FRAMES if self.config.generation > 2 else 0
        return of_keys + 3 + 2 * sum(self.config.dilations)

    @torch.no_grad()
    def tilt(self, db_per_octave: float) -> None:
        """Make all overtones stronger, or weaker, by their distance from the fundamental."""
        nepers = db_per_octave * math.log(10) / 20
        curve = nepers * torch.tensor(AMPLITUDE_POINTS).log2()
        self.register.add_(curve.to(self.register)[None, :, None, None])

    def tune(self, cents: float) -> None:
        """Play everything higher by some cents."""
        if cents:
            self.synth = Synthesizer(self.config.inharmonicity, self.config.noise_bands, cents)

    def forward(
        self,
        latents: Tensor,
        start: int = 0,
        seed: int = 0,
        key: int = 0,
        pitches: Tensor | None = None,
    ) -> Tensor:
        """Play; `start` is the absolute number of the first latent frame that is played.

        `pitches` are those to play; by default those that sound, as the others are silent.
        """
        activations, level = latents[:, :-1], latents[:, -1:, MEMORY_FRAMES:]
        activations = activations.unflatten(1, (3, NUM_PITCHES))
        features, sounding = self._heard(activations)
        if pitches is None:
            pitches = sounding.amax((0, 1, 3)).nonzero()[:, 0]
        if not len(pitches):
            pitches = pitches.new_zeros(1)  # the lowest, silent as the others
        amplitudes, noise = self._steer(features, sounding, pitches)
        level = functional.relu(level - LEVEL_OF_SILENCE)
        level = functional.interpolate(level, scale_factor=2, mode="linear")
        # one control frame more on both sides: the synthesizer plays from centre to centre,
        # which lie a quarter of a latent frame inside
        reach = 2 * self.reach_frames
        near = slice(reach - 1, level.shape[-1] - reach + 1)
        amplitudes = amplitudes[..., near] * level[:, None, :, near]
        noise = noise[..., near] * level[..., near]
        wav: Tensor = self.synth(amplitudes, pitches, noise, 2 * start - 1, seed, key)
        quarter = LATENT_HOP // 4
        return wav[
            :, quarter + 1 : quarter + 1 + (latents.shape[-1] - MEMORY_FRAMES - reach) * LATENT_HOP
        ]

    def _heard(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, P, memory + F) → features (B, ·, P, F), and whether it sounds (B, 1, P, F)."""
        if self.config.generation > 2:
            return self._pressed(activations)
        frame = activations[:, :1, :, MEMORY_FRAMES - RELEASE_FRAMES :]
        return self._features(activations), _sounding(frame)

    def _pressed(self, activations: Tensor) -> tuple[Tensor, Tensor]:
        """What fingers do, and for how long they have done it; as `_heard`."""
        pressed = keys(activations, RECALLED_FRAMES)
        sounding = functional.max_pool1d(
            pressed.down[..., MEMORY_FRAMES - RELEASE_FRAMES :], RELEASE_FRAMES + 1, stride=1
        )
        down, strike, velocity, age_F = (
            x[..., MEMORY_FRAMES:]
            for x in (pressed.down, pressed.strike, pressed.velocity, pressed.age_F)
        )
        if not self.config.struck:
            frame, _, loud = activations[..., MEMORY_FRAMES:].unbind(1)
            velocity = torch.where(down > 0, loud / frame.clamp(min=FADED), velocity)
        traces = [torch.exp(-age_F / LATENT_RATE / constant) for constant in MEMORY_S]
        since = torch.stack([velocity, *traces, age_F / RECALLED_FRAMES], dim=1)
        sounding = sounding[:, None]
        return torch.cat([down[:, None], strike[:, None], since * sounding], dim=1), sounding

    def _features(self, activations: Tensor) -> Tensor:
        """(B, 3, P, memory + F) → frame, onset, velocity and traces: (B, ·, P, F)."""
        traces = _remembered(activations[:, 1], self._memory)
        now = activations[..., MEMORY_FRAMES:]
        if self.config.struck:
            now = torch.cat([now[:, :2], self._struck(activations)], dim=1)
        return torch.cat([now, traces], dim=1)

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

    def _steer(self, features: Tensor, sounding: Tensor, pitches: Tensor) -> tuple[Tensor, Tensor]:
        """Amplitudes (B, S, A, J) of the pitches that sound, and noise (B, Q, J).

        Both are relative to the level; nothing at all where no pitch sounds.

        Args:
            features: (B, ·, P, F).
            sounding: (B, 1, P, F), from 0 to 1.
            pitches: (S,), the numbers of those that sound anywhere.
        """
        features = features.contiguous(memory_format=torch.channels_last)
        x = (self.entry(features) + self.place(self.pitch)).index_select(2, pitches)
        x = functional.relu(x).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = x + functional.relu(block(x))
        x = functional.interpolate(x, scale_factor=(1, 2))
        x = x + functional.relu(self.sharpen(x))
        gate = sounding.index_select(2, pitches).repeat_interleave(2, dim=-1)
        loudness = _positive(self.loudness(x)) * gate
        register = self.register.index_select(2, pitches)
        timbre = torch.softmax(self.timbre(x) + register, dim=1)
        amplitudes = (loudness * timbre).permute(0, 2, 1, 3)
        if self.config.generation == 1:
            summary = torch.cat([(x * gate).sum(2) / VOICES, (x * loudness).sum(2)], dim=1)
            return amplitudes, _positive(self.noise(summary)) * gate.sum(2).clamp(max=1)
        own = _positive(self.noise(x)) * gate
        # what is random adds up in power; a root of nothing would have no gradient
        power = own.square().sum(2)
        return amplitudes, (power + LEAST_NOISE).sqrt() * (power > 0)


def _positive(x: Tensor) -> Tensor:
    """A scaled sigmoid: amplitudes from nothing to 2, with a gradient everywhere."""
    return 2 * torch.sigmoid(x).pow(2.3)


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


class HarmonicDecoder:
    """An `umtcli.domain.Decoder`: 265 latents at 50 Hz → mono waveform at 44.1 kHz.

    Args:
        network: the trained network.
        device: where it runs.
        options: a value for every option of the family.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, network: DecoderNetwork, device: str, options: Mapping[str, Value]) -> None:
        network.tilt(MAX_TILT_DB * float(options["brightness"]))
        network.tune(float(options["tuning"]))
        self._network = network.eval().to(device)
        self._device = device
        self.mid_only = not options["sides"]
        self._transpose = int(options["transpose"])
        self._sensitivity = float(options["sensitivity"])
        size = float(options["room"])
        self._room = Room(size, STEP_FRAMES * LATENT_HOP) if size else None
        self._range = network.config.lowest_midi, network.config.highest_midi
        # a frame more on both sides, for a section reads ahead and back
        self._around = 0 if network.section.still else 1
        reach = network.reach_frames + self._around
        self._before, self._after = MEMORY_FRAMES + reach, reach
        self.lookahead_s = (STEP_FRAMES + reach) * LATENT_HOP / SAMPLE_RATE

    def streams(self, seed: int = 0) -> Streams:
        """(C, F) blocks in, (T,) blocks out."""

        @torch.inference_mode()
        def play(window_CF: Tensor, start: int, key: int) -> Tensor:
            latents = more_sensitive(window_CF, self._sensitivity)
            latents = moved(latents, self._transpose, *self._range)
            wav_BT: Tensor = self._network(latents[None], start - self._around, seed, key)
            if self._around:
                spare = self._around * LATENT_HOP - REACH
                wav_BT = self._network.section(wav_BT[:, spare:-spare], start * LATENT_HOP)
            return wav_BT[0]

        streams = WindowedStreams(
            play,
            step=STEP_FRAMES,
            before=self._before,
            after=self._after,
            ratio=Fraction(LATENT_HOP),
            channels=(LATENT_CHANNELS,),
            device=self._device,
        )
        # its windows are those of the music: it looks no further ahead
        return self._room.around(streams) if self._room else streams
