"""Sizes of the harmonic family, in one place. They travel in every bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

SAMPLE_RATE = 44_100
LATENT_HOP = 882  # 20 ms: 50 latent frames a second
CONTROL_HOP = 441  # 10 ms: the synthesizer is steered 100 times a second
LOWEST_MIDI = 21  # A0
NUM_PITCHES = 88  # A0 … C8
LATENT_RATE = SAMPLE_RATE / LATENT_HOP
FRONT_END_VERSIONS = (1, 2)  # versions that `front` implements: part of the fingerprint

NEWER = ("bend", "bends")
"""Fields that configs of the first version had not."""

Config = TypeVar("Config", bound="EncoderConfig | DecoderConfig")


@dataclass(frozen=True)
class EncoderConfig:
    """How the network over the log spectrum is built."""

    channels: int = 32
    """Feature maps of every layer."""
    blocks: tuple[tuple[int, int], ...] = (
        *((1, 1), (12, 1), (1, 2), (7, 1), (1, 4), (1, 1), (1, 8)),
    )
    """(pitch, time) dilation of each residual 3×3 convolution; 12 semitones compare octaves."""
    front_end: int = 1
    """Version of the spectrum, one of `FRONT_END_VERSIONS`; the first is that of `harmonic/1`."""
    entry_channels: int | None = None
    """Feature maps of the first layer, which sees thirds of semitones; None: as many as all."""
    bend: bool = False
    """Whether latents tell how far what sounds is from its pitches; not those of `harmonic/1`."""

    def __post_init__(self) -> None:
        """Refuse a front end that there is not.

        Raises:
            ValueError: with those that there are.
        """
        if self.front_end not in FRONT_END_VERSIONS:
            known = ", ".join(map(str, FRONT_END_VERSIONS))
            raise ValueError(f"front_end is {self.front_end!r}; it must be one of {known}")


@dataclass(frozen=True)
class DecoderConfig:
    """How the network that steers the synthesizer is built."""

    channels: int = 32
    """Feature maps of every layer."""
    dilations: tuple[int, ...] = (1, 2, 4)
    """Time dilation of each residual 1×5 convolution, in latent frames."""
    pitch_embedding: int = 8
    """Numbers learned for each pitch: registers sound different."""
    noise_bands: int = 48
    """Bands of filtered noise, evenly spaced in mel."""
    generation: int = 1
    """From the second on, every note brings noise of its own; in the first, all have one together.
    The first two play what is heard of notes, the third keys (see `umt_domains.harmonic.keys`); the
    fourth plays keys and knows how loud the phrase is."""
    struck: bool = False
    """Whether only that counts how hard notes were struck, and not how they swell or fade."""
    inharmonicity: float = 0.0
    """Stiffness B of the string at middle C; partial h lies at h·f0·√(1 + B·h²)."""
    lowest_midi: int = LOWEST_MIDI
    """Lowest pitch of the instrument: lower notes are played an octave or more higher."""
    highest_midi: int = LOWEST_MIDI + NUM_PITCHES - 1
    """Highest pitch: higher notes are played lower."""
    players: int = 1
    """How many play together; see `umt_domains.harmonic.section`, for the next two as well."""
    vibrato_cents: float = 0.0
    """How far each player bends up and down."""
    drift_cents: float = 0.0
    """How far the players drift apart."""
    bends: bool = False
    """Whether its notes can follow a vibrato or a glide; see `umt_domains.harmonic.bend`."""

    def __post_init__(self) -> None:
        """Refuse a range that not every note can be brought into by octaves.

        Raises:
            ValueError: it is less than an octave, or leaves the keyboard.
        """
        low, high = self.lowest_midi, self.highest_midi
        if not (low >= LOWEST_MIDI and low + 11 <= high < LOWEST_MIDI + NUM_PITCHES):
            raise ValueError(
                f"lowest_midi … highest_midi must be an octave or more of {LOWEST_MIDI} … "
                f"{LOWEST_MIDI + NUM_PITCHES - 1}, not {low} … {high}"
            )


def from_mapping(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """Build a config from JSON or TOML values.

    Raises:
        ValueError: a key is unknown; it names the key and those that are known.
    """
    known = {field.name for field in fields(kind)}
    for key in values:
        if key not in known:
            raise ValueError(f"{kind.__name__} has no {key!r}; it has {', '.join(sorted(known))}")
    return kind(**{key: _tuples(value) for key, value in values.items()})


def to_mapping(config: EncoderConfig | DecoderConfig) -> dict[str, Any]:
    """A config as plain values, ready for JSON.

    What came later is left out at its default, so that runs that were begun before go on.
    """
    return {k: v for k, v in asdict(config).items() if not (k in NEWER and v is False)}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value
