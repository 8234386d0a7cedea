"""What a family may say beyond the contract in `domain`, and what is taken for granted if not.

Streams may have an attribute `batches`, decoders `precision`, families the methods `engines`
and `note_streams`.
Nobody else looks for these: ask here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from umtcli.domain import Decoder, Family, LatentSpace, Streams


def batches(streams: Streams) -> bool:
    """Whether streams gain from being pushed together; True if they do not say.

    If so, those of many files are. If not, each file has a set of its own, and two files may
    compute at a time.
    """
    return bool(getattr(streams, "batches", True))


def precision(decoder: Decoder) -> str:
    """Of a decoder's weights as it computes, for `umt bench`; `float32` if it does not say."""
    return str(getattr(decoder, "precision", "float32"))


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
