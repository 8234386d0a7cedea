"""A toy family that fulfils the whole contract in a screenful, for tests.

The encoder hears, 100 times a second, how loud and how rough the music is; the decoder
plays a sine that follows the loudness and a noise that follows the roughness. Both look
one frame ahead, so that streaming is put to work.

    8 kHz ── level, roughness (C = 2, 100 Hz) ── 16 kHz

T samples, C channels, F frames, L samples a frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from umtcli.bundle import Bundle, BundleInfo, write_bundle
from umtcli.domain import Domain, Encoder, Family, LatentSpace, Option, Value
from umtcli.fitting import check_front_end
from umtcli.hookspecs import hookimpl

if TYPE_CHECKING:
    from umtcli.learning import Learning

FRAME_RATE = 100.0
ENCODER_RATE = 8_000
DECODER_RATE = 16_000
ENCODER_HOP = 80
DECODER_HOP = 160
FRONT_END_VERSION = 1
NOISE_SHARE = 0.1
"""How loud the noise is against the roughness it follows."""


@dataclass
class ToyStream:
    """What one stream remembers between two pushes."""

    key: int
    waiting: Tensor
    """Input that is not used up: (T,) or (C, F)."""
    position: int = 0
    """Frames given so far."""


class ToyStreams:
    """The bookkeeping that the encoder's and the decoder's streams share."""

    batches = False
    """Each stream is computed by itself: they gain nothing from being pushed together."""
    empty: Tensor

    def __init__(self) -> None:
        self._streams: dict[int, ToyStream] = {}
        self._next_id = 0

    def open(self, key: int = 0) -> int:
        stream_id = self._next_id
        self._next_id += 1
        self._streams[stream_id] = ToyStream(key, self.empty)
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        ready = {}
        for stream_id, block in blocks.items():
            stream = self._streams[stream_id]
            stream.waiting = torch.cat([stream.waiting, block.cpu()], dim=-1)
            ready[stream_id] = self.advance(stream, last=False)
        return ready

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        return {i: self.advance(self._streams.pop(i), last=True) for i in ids}

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        raise NotImplementedError


class ToyEncoderStreams(ToyStreams):
    """(T,) blocks in, (2, F) blocks out; a frame is the mean of itself and the next."""

    empty = torch.zeros(0)

    def __init__(self, weight_C: Tensor) -> None:
        super().__init__()
        self.weight_C = weight_C

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        wav_T = stream.waiting
        if last:
            # the last frame may be short, and the frame after it is silent
            frames = math.ceil(len(wav_T) / ENCODER_HOP)
            wav_T = torch.nn.functional.pad(wav_T, (0, (frames + 1) * ENCODER_HOP - len(wav_T)))
        frames = max(len(wav_T) // ENCODER_HOP - 1, 0)
        stream.waiting = wav_T[frames * ENCODER_HOP :]
        stream.position += frames
        if frames == 0:
            return torch.zeros(2, 0)
        wav_FL = wav_T[: (frames + 1) * ENCODER_HOP].reshape(frames + 1, ENCODER_HOP)
        level_F = wav_FL.square().mean(dim=1).sqrt()
        roughness_F = wav_FL.diff(dim=1).square().mean(dim=1).sqrt()
        raw_CF = torch.stack([level_F, roughness_F]) * self.weight_C[:, None]
        return (raw_CF[:, :-1] + raw_CF[:, 1:]) / 2


class ToyDecoderStreams(ToyStreams):
    """(2, F) blocks in, (T,) blocks out; loudness goes straight from frame to frame."""

    empty = torch.zeros(2, 0)

    def __init__(self, frequency_hz: float, gain_db: float, seed: int) -> None:
        super().__init__()
        self.frequency_hz = frequency_hz
        self.gain = 10 ** (gain_db / 20)
        self.seed = seed

    def advance(self, stream: ToyStream, *, last: bool) -> Tensor:
        latent_CF = stream.waiting
        if last:
            latent_CF = torch.cat([latent_CF, latent_CF[:, -1:]], dim=1)
        frames = max(latent_CF.shape[1] - 1, 0)
        stream.waiting = latent_CF[:, frames:]
        start = stream.position * DECODER_HOP
        stream.position += frames
        if frames == 0:
            return torch.zeros(0)
        ramp_L = torch.arange(DECODER_HOP) / DECODER_HOP
        step_CF = latent_CF.diff(dim=1)
        latent_CFL = latent_CF[:, :-1, None] + step_CF[:, :, None] * ramp_L
        level_T, roughness_T = latent_CFL.flatten(start_dim=1)
        return self.gain * self.play(level_T, roughness_T, stream.key, start)

    def play(self, level_T: Tensor, roughness_T: Tensor, key: int, start: int) -> Tensor:
        time_T = torch.arange(start, start + len(level_T), dtype=torch.float64) / DECODER_RATE
        tone_T = (2 * torch.pi * self.frequency_hz * time_T).sin().float() * math.sqrt(2)
        noise_T = counter_noise(self.seed, key, start, len(level_T))
        return level_T * tone_T + NOISE_SHARE * roughness_T * noise_T


def counter_noise(seed: int, key: int, start: int, count: int) -> Tensor:
    """White noise in -1 … 1 where each sample is a hash of (seed, key, absolute sample)."""
    mask = (1 << 64) - 1
    offset = (seed * 0x9E3779B97F4A7C15 + key * 0xD1B54A32D192ED03) & mask
    # splitmix64; numpy's uint64 arrays wrap around silently, as the hash wants
    x_T = np.arange(start, start + count, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x_T = x_T ^ np.uint64(offset)
    x_T = (x_T ^ (x_T >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x_T = (x_T ^ (x_T >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x_T = x_T ^ (x_T >> np.uint64(31))
    return torch.from_numpy((x_T >> np.uint64(40)).astype(np.float32) / 2**23 - 1)


@dataclass
class ToyEncoder:
    space: LatentSpace
    weight_C: Tensor
    sample_rate: int = ENCODER_RATE
    lookahead_s: float = 1 / FRAME_RATE

    def streams(self) -> ToyStreams:
        return ToyEncoderStreams(self.weight_C)


@dataclass
class ToyDecoder:
    frequency_hz: float
    gain_db: float = 0.0
    sample_rate: int = DECODER_RATE
    lookahead_s: float = 1 / FRAME_RATE
    mid_only: bool = False

    def streams(self, seed: int = 0) -> ToyStreams:
        return ToyDecoderStreams(self.frequency_hz, self.gain_db, seed)


class ToyFamily:
    """The toy architecture. Tests break it on purpose by overriding a method."""

    name = "toy"
    options = (Option("gain_db", 0.0, minimum=-60, maximum=12, unit="dB", help="output gain"),)

    def load_encoder(self, bundle: Bundle, device: str) -> Encoder:
        check_front_end(bundle.info, FRONT_END_VERSION)
        return ToyEncoder(bundle.info.space, bundle.tensors["weight"])

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        frequency_hz = float(bundle.tensors["frequency_hz"])
        return ToyDecoder(frequency_hz, float(options["gain_db"]))

    def learning(
        self,
        encoder: Mapping[str, Any] | None = None,
        distortion: Mapping[str, Any] | None = None,
    ) -> Learning:
        raise NotImplementedError("the toy family does not learn")


@dataclass(eq=False)
class ToyPlugin:
    """A plugin as a package would bring it: one family, one encoder, its domains."""

    encoder: Path
    decoders: tuple[Path, ...]
    family: Family = field(default_factory=ToyFamily)

    @hookimpl
    def umt_families(self) -> list[Family]:
        return [self.family]

    @hookimpl
    def umt_encoders(self) -> list[Path]:
        return [self.encoder]

    @hookimpl
    def umt_domains(self) -> list[Domain]:
        return [Domain.from_bundle(path) for path in self.decoders]


def write_encoder(
    path: Path, weight: tuple[float, float] = (1.0, 1.0), space: str = "toy/1"
) -> BundleInfo:
    """Write a toy encoder; another weight gives another fingerprint."""
    return write_bundle(
        path,
        kind="encoder",
        family="toy",
        name=space,
        config={"hop_samples": ENCODER_HOP},
        space=LatentSpace(space, 2, FRAME_RATE, ""),
        sample_rate=ENCODER_RATE,
        provenance={"licence": "CC0-1.0", "description": "level and roughness"},
        tensors={"weight": torch.tensor(weight)},
        front_end_version=FRONT_END_VERSION,
    )


def write_decoder(
    path: Path,
    space: LatentSpace,
    name: str = "toy",
    frequency_hz: float = 440.0,
    provenance: Mapping[str, str] | None = None,
) -> BundleInfo:
    """Write a toy domain that plays one note."""
    return write_bundle(
        path,
        kind="decoder",
        family="toy",
        name=name,
        config={"hop_samples": DECODER_HOP},
        space=space,
        sample_rate=DECODER_RATE,
        provenance=provenance
        or {
            "licence": "CC0-1.0",
            "description": f"a sine at {frequency_hz:g} Hz",
            "data": "none",
            "recipe": "tests/toy.py",
        },
        tensors={"frequency_hz": torch.tensor(frequency_hz)},
    )


def make_toy(
    folder: Path, domains: Mapping[str, float] | None = None, family: Family | None = None
) -> ToyPlugin:
    """Write one encoder and a decoder for each domain (name → Hz) and wrap them as a plugin."""
    encoder = write_encoder(folder / "toy-encoder.safetensors")
    decoders = tuple(
        write_decoder(folder / f"{name}.safetensors", encoder.space, name, frequency_hz).path
        for name, frequency_hz in (domains or {"toy": 440.0}).items()
    )
    return ToyPlugin(encoder.path, decoders, family or ToyFamily())


def install_toy(folder: Path, domains: Mapping[str, float] | None = None) -> None:
    """Install the toy plugin into a folder as pip would, as the distribution umt-toy 1.0.

    Put the folder on sys.path (or PYTHONPATH, with this file's folder) and it is found.
    """
    plugin = make_toy(folder / "umt_toy_bundles", domains)
    metadata = folder / "umt_toy-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: umt-toy\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[umt]\ntoy = umt_toy\n")
    (folder / "umt_toy.py").write_text(
        "from pathlib import Path\n"
        "from toy import ToyPlugin\n"
        f"plugin = ToyPlugin(Path({str(plugin.encoder)!r}), "
        f"tuple(map(Path, {[str(path) for path in plugin.decoders]!r})))\n"
        "umt_families = plugin.umt_families\n"
        "umt_encoders = plugin.umt_encoders\n"
        "umt_domains = plugin.umt_domains\n"
    )
