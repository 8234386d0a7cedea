"""The bundled domains: what each is played by, what music teaches it, how its strings ring."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starter.compose import Style


@dataclass(frozen=True)
class Target:
    """A domain of the recipe."""

    description: str
    programs: tuple[int, ...]
    """General MIDI programs, over which its pieces go in turn."""
    styles: tuple[Style, ...]
    """What its pieces are like, in turn; all have its range."""
    decoder: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What differs in its decoder's network."""
    begins_as: str | None = None
    """The domain whose decoder it begins as; None: from nothing."""
    scored: bool = False
    """Whether its decoder learns from scores as well as from what is heard of them: where that
    brought its sound nearer."""

    @property
    def low(self) -> int:
        """Its lowest MIDI pitch: what is written lower is played an octave higher."""
        return self.styles[0].low

    @property
    def high(self) -> int:
        """Its highest MIDI pitch: what is written higher is played an octave lower."""
        return self.styles[0].high


ATONAL = 0.08
SECTION: dict[str, Any] = {"players": 3, "drift_cents": 10.0, "vibrato_cents": 6.0}
"""Players who are never quite together."""
DETUNED: dict[str, Any] = {"players": 3, "drift_cents": 8.0}
"""Oscillators beside each other, as synthesizers have them."""
THIRD: dict[str, Any] = {"generation": 3}
"""Of decoders' networks: those of `harmonic/1` were of the first."""
STRUCK: dict[str, Any] = {"generation": 4, "struck": True}
"""Of instruments on which only the strike counts: they know no swells. How hard it was is heard
badly of one note, and well of a phrase."""
BENDS: dict[str, Any] = {"bends": True}
"""Players who can let a note glide and tremble, as who bows, blows, sings or turns a wheel."""


def _fading(
    description: str,
    programs: tuple[int, ...],
    low: int,
    high: int,
    decay_s: tuple[float, float, float],
    stiffness: float = 0.0,
    begins_as: str | None = "piano",
    scored: bool = False,
) -> Target:
    """Notes that fade away; `stiffness` of the strings stretches their overtones."""
    style = Style(low, high, 6, decay_s=decay_s, atonal=ATONAL)
    decoder = STRUCK | {"inharmonicity": stiffness}
    return Target(description, programs, (style,), decoder, begins_as, scored)


def _held(
    description: str,
    programs: tuple[int, ...],
    low: int,
    high: int,
    fastest_s: float = 0.1,
    begins_as: str | None = "strings",
    scored: bool = False,
    **decoder: Any,
) -> Target:
    """Notes that last, many at once."""
    style = Style(low, high, 5, fastest_s, atonal=ATONAL)
    return Target(description, programs, (style,), THIRD | decoder, begins_as, scored)


def _solo(
    description: str, programs: tuple[int, ...], low: int, high: int, fastest_s: float = 0.09
) -> Target:
    """A single line; every third piece is for several players, since any music may be asked."""
    alone = Style(low, high, 1, fastest_s, atonal=ATONAL)
    together = Style(low, high, 4, fastest_s, atonal=ATONAL)
    return Target(description, programs, (alone, together, alone), THIRD | BENDS, "strings")


TARGETS: dict[str, Target] = {
    "piano": _fading(
        "Grand piano", (0, 0, 0, 1), 21, 108, (5.0, 3.0, 1.0), 3.5e-4, None, scored=True
    ),
    "electric-piano": _fading("Electric piano of tines", (4,), 28, 103, (5.0, 4.0, 1.4)),
    "harpsichord": _fading("Harpsichord", (6,), 29, 89, (3.2, 1.8, 0.8), 5e-5),
    "organ": _held("Church organ", (19,), 36, 96, scored=True, **STRUCK),
    "strings": _held("String ensemble", (48, 48, 48, 49), 28, 96, 0.11, None, **SECTION, **BENDS),
    "violin": _solo("Solo violin", (40,), 55, 90, 0.1),
    "cello": _solo("Solo cello", (42,), 36, 76, 0.1),
    "choir": _held("Choir of aahs", (52,), 40, 84, 0.2, **BENDS),
    "guitar": _fading("Nylon guitar", (24,), 40, 88, (4.3, 1.7, 0.45), 5e-5, scored=True),
    "distorted-guitar": _held("Distorted guitar", (30,), 40, 88, 0.09, **STRUCK, **BENDS),
    "flute": _solo("Flute", (73,), 59, 96),
    "clarinet": _solo("Clarinet", (71,), 50, 91),
    "brass": _held("Brass section", (61,), 40, 84, 0.1, players=3, drift_cents=5.0, **BENDS),
    "harp": _fading("Harp", (46,), 24, 100, (2.5, 1.5, 0.15), scored=True),
    "music-box": _fading("Music box", (10,), 60, 108, (1.4, 1.3, 0.8)),
    "marimba": _fading("Marimba", (12,), 45, 96, (1.0, 0.55, 0.33)),
    "synth-pad": _held(
        "Synthesizer pad", (90,), 36, 96, 0.2, scored=True, **STRUCK, **DETUNED, **BENDS
    ),
    "chiptune": _held(
        "Square waves of early computers", (80,), 36, 96, 0.09, **STRUCK, **DETUNED, **BENDS
    ),
}
"""By the name that users type. The sounds are those of FluidR3 GM."""
