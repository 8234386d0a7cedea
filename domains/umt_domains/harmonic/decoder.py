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

from umt_domains.harmonic.bend import AROUND_FRAMES, ahead
from umt_domains.harmonic.config import (
    LATENT_HOP,
    NUM_PITCHES,
    SAMPLE_RATE,
    DecoderConfig,
)
from umt_domains.harmonic.features import note_features
from umt_domains.harmonic.latents import BEND, LEVEL, activations
from umt_domains.harmonic.layers import bias_of
from umt_domains.harmonic.notes import more_sensitive, moved
from umt_domains.harmonic.room import Room
from umt_domains.harmonic.section import FURTHEST, REACH, Section
from umt_domains.harmonic.synth import AMPLITUDE_POINTS, Synthesizer
from umtcli.domain import Streams, Value
from umtcli.pipeline.windows import WindowedStreams

STEP_FRAMES = 200  # 4 s a window
MAX_TILT_DB = 4.0
"""What brightness 1 adds to the overtones, in dB per octave above the fundamental."""
LEVEL_OF_SILENCE = 2e-6
"""Up to this level, −114 dBFS, there is nothing to play."""
LEAST_NOISE = 1e-14
"""Of the power of noise bands: 140 dB below the music."""
VOICES = 8
"""Pitches that sound at a time in full music: what sums over pitches are scaled by."""


class DecoderNetwork(nn.Module):
    """Latents → waveform of one domain.

    Shape:
        latents: (B, C, before + F + after)
        returns: (B, F·hop)
    """

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        maps = config.channels
        self.features = note_features(config)
        self.entry = nn.Conv2d(self.features.num_features, maps, 3, padding=1)
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
        # a network that begins far too softly spends its first thousand steps on that
        nn.init.constant_(bias_of(self.loudness), -3.0 if config.generation < 3 else 0.0)
        nn.init.constant_(bias_of(self.noise), -4.0)

    @property
    def before_frames(self) -> int:
        """Latent frames that have to be known before the first that is played."""
        return self.features.before_frames + self._reach_frames

    @property
    def after_frames(self) -> int:
        """Latent frames that have to be known after the last."""
        return self.features.after_frames + self._reach_frames

    @property
    def _reach_frames(self) -> int:
        """How far its layers look beyond a frame, on either side."""
        return 3 + 2 * sum(self.config.dilations)

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
        features, sounding = self.features(activations(latents))
        level = latents[:, LEVEL : LEVEL + 1].narrow(
            -1, self.features.before_frames, features.shape[-1]
        )
        if pitches is None:
            pitches = sounding.amax((0, 1, 3)).nonzero()[:, 0]
        if not len(pitches):
            pitches = pitches.new_zeros(1)  # the lowest, silent as the others
        amplitudes, noise = self._steer(features, sounding, pitches)
        level = functional.relu(level - LEVEL_OF_SILENCE)
        level = functional.interpolate(level, scale_factor=2, mode="linear")
        # one control frame more on both sides: the synthesizer plays from centre to centre,
        # which lie a quarter of a latent frame inside
        reach = 2 * self._reach_frames
        near = slice(reach - 1, level.shape[-1] - reach + 1)
        amplitudes = amplitudes[..., near] * level[:, None, :, near]
        noise = noise[..., near] * level[..., near]
        wav: Tensor = self.synth(amplitudes, pitches, noise, 2 * start - 1, seed, key)
        first = LATENT_HOP // 4 + 1
        return wav[:, first : first + (features.shape[-1] - reach) * LATENT_HOP]

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


class HarmonicDecoder:
    """An `umtcli.domain.Decoder`: 265 or 266 latents at 50 Hz → mono waveform at 44.1 kHz.

    Args:
        network: the trained network.
        device: where it runs.
        options: a value for every option of the family.
        channels: C, of the latents; those without a bend are fewer.
    """

    sample_rate = SAMPLE_RATE

    def __init__(
        self,
        network: DecoderNetwork,
        device: str,
        options: Mapping[str, Value],
        channels: int = LEVEL + 1,
    ) -> None:
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
        self._channels = channels
        told = network.config.bends and channels > BEND
        self._bend = float(options["bend"]) if told else 0.0
        # frames more on both sides, for what moves is read ahead and back
        self._reach = REACH if self._bend else 0 if network.section.still else FURTHEST
        self._around = -(-self._reach // LATENT_HOP)
        known = AROUND_FRAMES if self._bend else 0  # of the bend, beyond what is played
        self._before = max(network.before_frames + self._around, known)
        self._after = max(network.after_frames + self._around, known)
        self.lookahead_s = (STEP_FRAMES + self._after) * LATENT_HOP / SAMPLE_RATE

    def streams(self, seed: int = 0) -> Streams:
        """(C, F) blocks in, (T,) blocks out."""

        @torch.inference_mode()
        def play(window_CF: Tensor, start: int, key: int) -> Tensor:
            latents = more_sensitive(window_CF, self._sensitivity)
            latents = moved(latents, self._transpose, *self._range)
            return self._play(latents, start, seed, key)

        streams = WindowedStreams(
            play,
            step=STEP_FRAMES,
            before=self._before,
            after=self._after,
            ratio=Fraction(LATENT_HOP),
            channels=(self._channels,),
            device=self._device,
        )
        # its windows are those of the music: it looks no further ahead
        return self._room.around(streams) if self._room else streams

    def _play(self, latents_CF: Tensor, start: int, seed: int, key: int) -> Tensor:
        """One window: `before`, frames from number `start` on, `after` → (T,)."""
        network, around = self._network, self._around
        known_CF = self._with(
            latents_CF, network.before_frames + around, network.after_frames + around
        )
        wav_BT: Tensor = network(known_CF[None], start - around, seed, key)
        if not around:
            return wav_BT[0]
        ahead_T = None
        if self._bend:
            bend_F = self._with(latents_CF, AROUND_FRAMES, AROUND_FRAMES)[BEND]
            ahead_T = ahead(self._bend * bend_F)
        spare = around * LATENT_HOP - self._reach
        return network.section(wav_BT[:, spare:-spare], start * LATENT_HOP, ahead_T)[0]

    def _with(self, window_CF: Tensor, before: int, after: int) -> Tensor:
        """A window's middle, with so many frames on each side."""
        return window_CF[:, self._before - before : window_CF.shape[-1] - self._after + after]
