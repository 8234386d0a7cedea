"""The contract: what a domain is, and what a family of models must be able to do.

A family is an architecture. It turns two kinds of bundle into two kinds of machine:

    waveform ── Encoder ──▶ latents ── Decoder ──▶ waveform
      (T,)                   (C, F)                  (T,)

Both machines work on *streams*: push a block, get what is ready; finish, get the rest.
The caller never needs to know how far a network looks ahead, and pushing in pieces of
any size gives what one push gives, within 1e-5.

What a family may say besides is in `umtcli.optional`.

T samples, C latent channels, F latent frames. Nothing here imports torch at run time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from umtcli.errors import OptionError

if TYPE_CHECKING:
    from torch import Tensor

    from umtcli.bundle import Bundle
    from umtcli.learning import Learning

Value = bool | int | float | str
"""What a family option may hold."""


@dataclass(frozen=True)
class LatentSpace:
    """What an encoder emits, and what a decoder was trained to read."""

    name: str
    """Family and generation, e.g. `harmonic/1`."""
    channels: int
    """C, the number of latent channels."""
    frame_rate: float
    """Latent frames per second (Hz)."""
    fingerprint: str
    """Hash of the encoder's config, weights and front-end version; equal means exchangeable."""

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint})"


@dataclass(frozen=True)
class Domain:
    """A target sound: a name, the bundle of its decoder, and where it came from.

    Plugins build one with `Domain.from_bundle(path)` and return it from `umt_domains`.
    """

    name: str
    """What users type after `--to`: lower-case letters, digits and dashes."""
    family: str
    decoder: Path
    """The decoder's bundle."""
    space: LatentSpace
    """The latent space the decoder was trained on."""
    sample_rate: int
    """Of the decoder's output (Hz)."""
    licence: str = "unknown"
    description: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict, hash=False)
    package: str = ""
    """The distribution that brought it; filled in at discovery."""

    @classmethod
    def from_bundle(cls, path: Path | str) -> Domain:
        """Read a domain from the metadata of its decoder bundle; no weights are loaded.

        Raises:
            BundleError: the file is missing, damaged or no decoder bundle.
        """
        from umtcli.bundle import read_info

        info = read_info(Path(path), kind="decoder")
        return cls(
            name=info.name,
            family=info.family,
            decoder=info.path,
            space=info.space,
            sample_rate=info.sample_rate,
            licence=info.provenance.get("licence", "unknown"),
            description=info.provenance.get("description", ""),
            provenance=info.provenance,
        )


@dataclass(frozen=True)
class Option:
    """One typed knob of a family, given by users as `--set name=value`.

    >>> Option("brightness", 0.0, minimum=-1, maximum=1, help="darker … brighter").parse("0.3")
    0.3
    """

    name: str
    default: Value
    """Its type is the option's type."""
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""
    help: str = ""

    def parse(self, text: str) -> Value:
        """Turn a user's text into a value of the option's type, in range.

        Raises:
            OptionError: the text is of another type or outside the range.
        """
        kind = type(self.default)
        try:
            value = _parse_bool(text) if kind is bool else kind(text)
        except ValueError as e:
            raise OptionError(f"{self.name} takes {kind.__name__}, not {text!r}.") from e
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low, high = self.minimum, self.maximum
            # `not (low <= value)` also refuses NaN
            if (low is not None and not low <= value) or (high is not None and not value <= high):
                raise OptionError(f"{self.name} must be in {self.range}, not {text}.")
        return value

    @property
    def range(self) -> str:
        """The allowed range as text, e.g. `-1 … 1 dB`; empty when there is none."""
        if self.minimum is None and self.maximum is None:
            return ""
        low = "" if self.minimum is None else f"{self.minimum:g}"
        high = "" if self.maximum is None else f"{self.maximum:g}"
        return f"{low} … {high} {self.unit}".strip()


def _parse_bool(text: str) -> bool:
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


class Streams(Protocol):
    """Many streams on their way through one network.

    Streams come and go independently; a stream's result depends on nothing but its own
    blocks, its key and the seed: not on how it was cut, nor on its neighbours.

    Many files' streams are pushed together, unless they say that they gain nothing from it:
    see `umtcli.optional`.
    """

    def open(self, key: int = 0) -> int:
        """Start a stream and return its id.

        Args:
            key: keys the stream's randomness together with the seed. The two channels
                of one file share a key, so that equal channels stay identical.
        """

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """Feed the next block of each named stream; return what became ready.

        Args:
            blocks: by stream id; float32, (T,) for an encoder and (C, F) for a decoder,
                of any length, zero included.

        Returns:
            By stream id: float32, (C, F) from an encoder and (T,) from a decoder,
            possibly of length zero.
        """

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        """End these streams: return what is left of each and forget them."""


class Encoder(Protocol):
    """Hears any music. T samples in all give ceil(T · frame_rate / sample_rate) frames."""

    space: LatentSpace
    sample_rate: int
    """Of the waveform it takes (Hz)."""
    lookahead_s: float
    """How much input beyond a frame must have been pushed before the frame comes out."""

    def streams(self) -> Streams:
        """Start a new set of streams: (T,) blocks in, (C, F) blocks out."""


class Decoder(Protocol):
    """Plays latents in one domain. F frames give F · sample_rate / frame_rate samples."""

    sample_rate: int
    """Of the waveform it makes (Hz)."""
    lookahead_s: float
    mid_only: bool
    """True if a stereo file should be played once, from its mid, and panned afterwards:
    right for decoders that sample, whose two channels would be two performances."""

    def streams(self, seed: int = 0) -> Streams:
        """Start a new set of streams: (C, F) blocks in, (T,) blocks out."""


class Family(Protocol):
    """An architecture. Its object is cheap; torch is imported when a method is called."""

    name: str
    options: tuple[Option, ...]

    def load_encoder(self, bundle: Bundle, device: str) -> Encoder:
        """Build the encoder of a bundle on a device (`cpu`, `cuda:0`, …)."""

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> Decoder:
        """Build the decoder of a bundle; `options` holds a value for every declared option."""

    def learning(
        self,
        encoder: Mapping[str, Any] | None = None,
        distortion: Mapping[str, Any] | None = None,
    ) -> Learning:
        """What the trainer needs to know to train this family.

        Args:
            encoder: config of the encoder that is trained or played from, as `new_encoder`
                takes it and `config_of` gives it; None for the family's own sizes.
            distortion: what the encoder's input is to go through, in the family's own words;
                None for what is usual.

        Raises:
            ValueError, TypeError: the family has no such encoder, or no such distortion.
        """


def resolve_options(family: Family, given: Mapping[str, str]) -> dict[str, Value]:
    """Every option of a family with its value: the user's where given, else the default.

    Raises:
        OptionError: an option is unknown to the family, of the wrong type or out of range.
    """
    declared: dict[str, Option] = {option.name: option for option in family.options}
    for name in given:
        if name not in declared:
            known = ", ".join(sorted(declared)) or "none"
            raise OptionError(f"The {family.name} family has no option {name!r} (it has: {known}).")
    values: dict[str, Any] = {name: option.default for name, option in declared.items()}
    return values | {name: declared[name].parse(text) for name, text in given.items()}
