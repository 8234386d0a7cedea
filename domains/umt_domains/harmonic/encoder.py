"""The universal encoder of the harmonic family: what is played, how hard, how loud.

A small residual network over (pitch, time) turns the log spectrum into activations of
88 pitches. It looks less than a second around a frame (± 0.4 s, and the spectra there
± 0.19 s more), so that it hears notes and not pieces; the only long memory is the slow
level that everything is heard relative to.

B batch, T samples, F latent frames, P pitches, C latent channels, M feature maps.
"""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional

from umt_domains.harmonic.bend import heard_bend
from umt_domains.harmonic.config import (
    LATENT_HOP,
    LATENT_RATE,
    SAMPLE_RATE,
    EncoderConfig,
)
from umt_domains.harmonic.front import (
    LEVEL_FUTURE_FRAMES,
    LEVEL_PAST_FRAMES,
    NUM_CHANNELS,
    SPECTRUM_REACH,
    LogSpectrum,
    frame_level,
)
from umt_domains.harmonic.latents import BEND, LEVEL
from umt_domains.harmonic.layers import bias_of
from umt_domains.processor import multiplies_bfloat16
from umtcli.domain import LatentSpace
from umtcli.pipeline.windows import WindowedStreams

STEP_FRAMES = 200  # 4 s a window: long enough that overlap costs little


class EncoderNetwork(nn.Module):
    """Log spectrum → logits of frame, onset and velocity for each pitch.

    Shape:
        spectrum: (B, V·H, K, 2F)
        returns: (B, 3, P, F)
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        maps = config.channels
        fine = config.entry_channels or maps
        self.front = LogSpectrum(config.front_end)
        self.entry = nn.Conv2d(NUM_CHANNELS, fine, (3, 3), stride=(1, 2), padding=(1, 1))
        self.fold = nn.Conv2d(fine, maps, (5, 3), stride=(3, 1), padding=(1, 1))
        self.blocks = nn.ModuleList(
            nn.Conv2d(maps, maps, 3, padding=dilation, dilation=dilation)
            for dilation in config.blocks
        )
        self.heads = nn.Conv2d(maps, 3, 1)
        nn.init.constant_(bias_of(self.heads)[:2], -3.0)

    @property
    def reach_frames(self) -> int:
        """Latent frames that the network looks beyond a frame, on either side."""
        return 2 + sum(time for _, time in self.config.blocks)

    def forward(self, spectrum: Tensor) -> Tensor:
        """Logits of each pitch and frame."""
        x = functional.relu(self.entry(spectrum), inplace=True)
        x = functional.relu(self.fold(x), inplace=True)
        for block in self.blocks:
            x = x + functional.relu(block(x), inplace=True)
        logits: Tensor = self.heads(x)
        return logits

    def hear(self, wav_BT: Tensor, level_BF: Tensor) -> Tensor:
        """Logits of F frames from their samples and SPECTRUM_REACH more on both sides."""
        return self._logits(self.front(wav_BT, level_BF))

    def latents(self, wav_BT: Tensor, level_BF: Tensor) -> Tensor:
        """Latents of F frames; those within the network's reach of either end are not to be used.

        Only the level tells silence, by being all but zero. The activations are then whatever
        the network says of nothing; a decoder plays them at that level.

        Args:
            wav_BT: their samples and SPECTRUM_REACH more on both sides.
            level_BF: as `front.frame_level`.

        Shape:
            returns: (B, C, F)
        """
        spectrum = self.front(wav_BT, level_BF)
        frame, onset, velocity = torch.sigmoid(self._logits(spectrum).float()).unbind(1)
        parts = [frame, onset, frame * velocity, level_BF[:, None]]
        if self.config.bend:
            with torch.no_grad():
                parts.append(heard_bend(spectrum, torch.stack(parts[:3], dim=1))[:, None])
        return torch.cat(parts, dim=1)

    def _logits(self, spectrum: Tensor) -> Tensor:
        # as convolutions want it, in one go: the type that they multiply, channels last
        kind = spectrum.device.type
        halved = torch.is_autocast_enabled(kind)
        dtype = torch.get_autocast_dtype(kind) if halved else spectrum.dtype
        logits: Tensor = self(spectrum.to(dtype, memory_format=torch.channels_last))
        return logits


class HarmonicEncoder:
    """An `umtcli.domain.Encoder`: mono waveform at 44.1 kHz → 265 or 266 latents at 50 Hz.

    Where the CPU multiplies bfloat16, the network does; the spectrum is float32 everywhere.

    Args:
        network: the trained network.
        space: the latent space its bundle names.
        device: where it runs.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, network: EncoderNetwork, space: LatentSpace, device: str) -> None:
        self.space = space
        self._network = network.eval().to(device)
        self._device = device
        self._halved = device == "cpu" and multiplies_bfloat16()
        self.precision = "bfloat16" if self._halved else "float32"
        reach = network.reach_frames * LATENT_HOP + SPECTRUM_REACH
        self._spectrum_reach = reach
        self._before = LEVEL_PAST_FRAMES * LATENT_HOP + reach
        self._after = LEVEL_FUTURE_FRAMES * LATENT_HOP + reach
        self.lookahead_s = (STEP_FRAMES * LATENT_HOP + self._after) / SAMPLE_RATE

    def streams(self) -> WindowedStreams:
        """(T,) blocks in, (C, F) blocks out."""
        return WindowedStreams(
            self._window,
            step=STEP_FRAMES * LATENT_HOP,
            before=self._before,
            after=self._after,
            ratio=Fraction(1, LATENT_HOP),
            out_channels=(self.space.channels,),
            device=self._device,
        )

    @torch.inference_mode()
    def _window(self, window_T: Tensor, start: int, key: int) -> Tensor:
        """One window: `before`, a middle of up to four seconds, `after` → (C, F)."""
        del key  # hearing is deterministic
        num_frames = -(-(len(window_T) - self._before - self._after) // LATENT_HOP)
        reach = self._network.reach_frames
        whole = num_frames * LATENT_HOP + self._before + self._after
        wav_BT = functional.pad(window_T, (0, whole - len(window_T)))[None]
        level_BF = self._level(wav_BT, start, num_frames + 2 * reach)
        near = slice(
            self._before - self._spectrum_reach, whole - self._after + self._spectrum_reach
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=self._halved):
            latents_BCF = self._network.latents(wav_BT[:, near], level_BF)
        return latents_BCF[0, :, reach : reach + num_frames]

    def _level(self, wav_BT: Tensor, start: int, num_frames: int) -> Tensor:
        """The level of the window's frames and of `reach` more on both sides."""
        total = LEVEL_PAST_FRAMES + num_frames + LEVEL_FUTURE_FRAMES
        first = start // LATENT_HOP - self._network.reach_frames - LEVEL_PAST_FRAMES
        valid_F = torch.arange(first, first + total, device=wav_BT.device) >= 0
        skip = SPECTRUM_REACH
        return frame_level(wav_BT[:, skip : skip + total * LATENT_HOP], valid_F)


def latent_space(name: str, bend: bool = False) -> LatentSpace:
    """The space of a harmonic encoder before its weights give it a fingerprint."""
    return LatentSpace(name, (BEND if bend else LEVEL) + 1, LATENT_RATE, fingerprint="")
