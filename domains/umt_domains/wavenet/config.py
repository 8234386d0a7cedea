"""Sizes of the wavenet family, in one place. They travel in every bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SAMPLE_RATE = 16_000  # Hz
NUM_CLASSES = 256  # Q: 8-bit µ-law
HOP_SAMPLES = 800  # 50 ms: 20 latent frames a second
LATENT_CHANNELS = 64
FRONT_END_VERSION = 1  # part of the fingerprint: raise it when the front end's numbers change

ROW_MULTIPLE = 8
"""Decoder channels come in multiples of this: matrix products then take the same path
through the processor in every row, so that a stream's neighbours never matter."""

_LARGEST = {"blocks": 16, "layers": 16, "hop_samples": SAMPLE_RATE, "sample_rate": 192_000}
_LARGEST_CHANNELS = 4096
_NO_SIZES = {"guidance", "lead_frames"}
"""Of a config: how a decoder is played."""
MOST_GUIDANCE, MOST_LEAD_FRAMES = 16, 64
"""That a config may ask for: bundles come from anywhere."""

Config = TypeVar("Config", bound="DataclassInstance")


@dataclass(frozen=True)
class EncoderConfig:
    """How the encoder is built; the defaults are the paper's.

    Source: arXiv:1805.07848, section 3.1.
    """

    blocks: int = 3
    """Each begins again with dilation 1."""
    layers: int = 10
    """Residual layers of a block; the dilation doubles from one to the next."""
    channels: int = 128
    latent_channels: int = LATENT_CHANNELS
    hop_samples: int = HOP_SAMPLES
    """Samples that are averaged into one latent frame."""
    sample_rate: int = SAMPLE_RATE
    """Of the waveform (Hz)."""

    def __post_init__(self) -> None:
        _check_sizes(self)

    @property
    def dilations(self) -> tuple[int, ...]:
        """Dilation of each residual layer, in samples."""
        return _dilations(self.blocks, self.layers)

    @property
    def reach_samples(self) -> int:
        """Samples that the network looks beyond a sample, on either side."""
        return 1 + sum(self.dilations)


@dataclass(frozen=True)
class DecoderConfig:
    """How a domain's WaveNet is built; the defaults are the paper's.

    Source: arXiv:1805.07848, section 3.1. The authors' published models have 14 layers.
    """

    blocks: int = 4
    """Each begins again with dilation 1."""
    layers: int = 10
    """Layers of a block; the dilation doubles from one to the next."""
    residual_channels: int = 128
    skip_channels: int = 128
    latent_channels: int = LATENT_CHANNELS
    hop_samples: int = HOP_SAMPLES
    """Samples that one latent frame steers."""
    sample_rate: int = SAMPLE_RATE
    """Of the waveform (Hz)."""
    guidance: float = 0.0
    """That it is played with, see `choice.py`: made for encoders that began settled. The paper's
    have none. Learning takes no notice."""
    lead_frames: int = 0
    """Latent frames that it is told early when it plays, see `leading.py`; the paper's none."""

    def __post_init__(self) -> None:
        _check_sizes(self)
        for name in ("residual_channels", "skip_channels"):
            if getattr(self, name) % ROW_MULTIPLE:
                raise ValueError(f"{name} must be a multiple of {ROW_MULTIPLE}")
        if type(self.guidance) not in (int, float) or not 0 <= self.guidance <= MOST_GUIDANCE:
            raise ValueError(f"guidance must be a number in 0 … {MOST_GUIDANCE}")
        if type(self.lead_frames) is not int or not 0 <= self.lead_frames <= MOST_LEAD_FRAMES:
            raise ValueError(f"lead_frames must be a whole number in 0 … {MOST_LEAD_FRAMES}")

    @property
    def dilations(self) -> tuple[int, ...]:
        """Dilation of each layer, in samples."""
        return _dilations(self.blocks, self.layers)

    @property
    def receptive_field_samples(self) -> int:
        """How many of the latest samples decide the next one.

        >>> DecoderConfig().receptive_field_samples
        4094
        """
        # the first convolution and the sample itself add one each
        return 2 + sum(self.dilations)


def from_mapping(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """Build a config from JSON or TOML values.

    Raises:
        ValueError: a key is unknown, or a size is not one that can be built.
    """
    known = {field.name for field in fields(kind)}
    for key in values:
        if key not in known:
            raise ValueError(f"{kind.__name__} has no {key!r}; it has {', '.join(sorted(known))}")
    return kind(**values)


def to_mapping(config: EncoderConfig | DecoderConfig) -> dict[str, Any]:
    """A config as plain values, ready for JSON."""
    return asdict(config)


def _dilations(blocks: int, layers: int) -> tuple[int, ...]:
    return tuple(2**layer for layer in range(layers)) * blocks


def _check_sizes(config: EncoderConfig | DecoderConfig) -> None:
    # bundles and the authors' files come from anywhere: nothing is built before this
    for field in fields(config):
        if field.name in _NO_SIZES:
            continue
        value = getattr(config, field.name)
        largest = _LARGEST.get(field.name, _LARGEST_CHANNELS)
        wanted = f"{field.name} must be a whole number in 1 … {largest}"
        if type(value) is not int:
            # a value is not shown: lists within lists can take years to write out
            raise ValueError(f"{wanted}, not of the type {type(value).__name__}")
        if not 1 <= value <= largest:
            raise ValueError(wanted)
