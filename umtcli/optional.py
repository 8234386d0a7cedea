"""What a family may say beyond the contract in `domain`, and what is taken for granted if not.

Streams may have an attribute `batches`, networks `precision`, families the methods `engines`
and `note_streams`, their `Learning` the methods `beginning` and `settle` and an attribute
`shortest_distorted_s`. Decoders may start `PatientStreams` for files.
Nobody else looks for these: ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Protocol, cast

from umtcli.domain import Streams

if TYPE_CHECKING:
    from torch import Tensor, nn

    from umtcli.bundle import Bundle
    from umtcli.domain import Decoder, Encoder, Family, LatentSpace
    from umtcli.learning import Learning


class PatientStreams(Streams, Protocol):
    """Streams of a decoder for files, where nobody waits for the first second.

    They may play long after they took, e.g. many stretches of one file side by side.
    `finish` plays for a moment only: it is to be called again as long as something is owed.
    """

    notice: str
    """What users should know about how this is played; empty as long as there is nothing."""

    def owed_s(self, stream_id: int) -> float:
        """Seconds that were pushed and are not played yet; 0 of a stream that is over."""

    def drop(self, ids: Iterable[int]) -> None:
        """Forget streams, whatever they owe."""


def batches(streams: Streams) -> bool:
    """Whether streams gain from being pushed together; True if they do not say.

    If so, those of many files are. If not, each file has a set of its own, and two files may
    compute at a time.
    """
    return bool(getattr(streams, "batches", True))


def precision(network: Encoder | Decoder) -> str:
    """Of what a network multiplies, for `umt bench`; `float32` if it does not say."""
    return str(getattr(network, "precision", "float32"))


def beginning(learning: Learning, bundle: Bundle) -> nn.Module:
    """The decoder of a bundle, as another instrument may begin to learn.

    A family whose bundles say what only their own instrument can do, such as how high it
    plays, leaves that out. Else it is the bundle's network as it is.

    Raises:
        BundleError: the weights do not fit.
    """
    build = getattr(learning, "beginning", learning.from_bundle)
    network: nn.Module = build(bundle)
    return network


def settle(learning: Learning, encoder: nn.Module, wav_BT: Tensor) -> bool:
    """Let a fresh encoder hear what decoders can begin with, better than chance has it.

    Args:
        learning: of its family.
        encoder: changed in place.
        wav_BT: examples of all that it is to hear, at the family's sample rate, on the CPU.

    Returns:
        Whether the family does such a thing.
    """
    does: Callable[[nn.Module, Tensor], None] | None = getattr(learning, "settle", None)
    if does is None:
        return False
    does(encoder, wav_BT)
    return True


def shortest_distorted_s(learning: Learning) -> float:
    """Seconds that an example must have for its family to distort it as it is to."""
    return float(getattr(learning, "shortest_distorted_s", 0.0))


def engines(family: Family) -> tuple[str, ...]:
    """What can compute a family's decoders on this CPU, the one that is used first.

    These are values of the family's option `engine`. Empty if it has no such choice.
    """
    return tuple(family.engines()) if hasattr(family, "engines") else ()


def note_streams(family: Family) -> Callable[[LatentSpace], Streams] | None:
    """What tells the notes in latents, for `--midi`; None if the family cannot.

    Called with the latent space, it starts streams: (C, F) blocks in, (3, N) float64 blocks of
    N events out, in order of time. The rows are seconds since the stream's beginning, MIDI
    pitch, and velocity: 1 … 127, or 0 where the note ends, as each has to.
    """
    found = getattr(family, "note_streams", None)
    return cast("Callable[[LatentSpace], Streams] | None", found)


def patient_streams(decoder: Decoder, seed: int) -> Streams:
    """Start a decoder's `PatientStreams`; its ordinary streams if it has none."""
    start = getattr(decoder, "patient_streams", decoder.streams)
    return cast("Streams", start(seed))


def owed_s(streams: Streams, ids: Collection[int]) -> float:
    """The most that any of these streams owes, in seconds; nothing if they are not patient."""
    owed = getattr(streams, "owed_s", None)
    return max((owed(i) for i in ids), default=0.0) if owed else 0.0


def drop(streams: Streams, ids: Iterable[int]) -> None:
    """Forget streams whose rest nobody wants."""
    getattr(streams, "drop", streams.finish)(ids)


def notice(streams: Streams) -> str:
    """What users should know about how streams play; mostly nothing."""
    return str(getattr(streams, "notice", ""))
