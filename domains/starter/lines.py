"""Single lines: the small music of the small WaveNet system, and what it is judged on.

A network that must learn from nothing but sound, in hours on a CPU, does not get as far as
chords. Its music is one voice of two and a half octaves, unhurried, with rests.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from starter.compose import Style, compose
from starter.instruments import BY_NAME
from starter.performance import Part
from starter.pieces import seed_of
from starter.render import SOUNDFONT, Job

STYLE = Style(52, 81, 1, 0.16, atonal=0.08)
"""E3 … A5: fundamentals of 165 … 880 Hz, so that 8 kHz hold five harmonics of the highest."""

DOMAINS = ("piano", "guitar", "clarinet")
"""Struck, plucked and blown, and heard well by the outside transcriber: its note F1 of single lines
is 0.94, 0.88 and 0.73 in true renderings at 8 kHz, of strings and organ 0.34 and 0.30."""

SOURCES = (*DOMAINS, "flute", "oboe", "violin")
"""What the system is judged on: its own domains, and instruments that it never heard."""


def lines(
    out: Path, minutes: float, seed: int, seconds: float = 60.0, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Music of each domain: ``lines/{name}/{k:02d}``; training sees no score."""
    for name in DOMAINS:
        for k in range(max(1, round(minutes * 60 / seconds))):
            score = compose(seed_of(seed, "lines", name, k), _style(name), seconds)
            path = out / "lines" / name / f"{k:02d}.flac"
            yield Job((Part(score, BY_NAME[name].program),), path, soundfont=soundfont)


def evaluation(
    out: Path, pieces_per_source: int, seconds: float, seed: int, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Unseen scores, each played by its source and truly by every domain.

    ``lines-evaluation/{source}_{k}/{instrument}.flac`` and ``…/score.mid``.
    """
    for name in SOURCES:
        for k in range(pieces_per_source):
            score = compose(seed_of(seed, "lines evaluation", name, k), _style(name), seconds)
            folder = out / "lines-evaluation" / f"{name}_{k}"
            for player in dict.fromkeys((name, *DOMAINS)):
                path, midi = folder / f"{player}.flac", folder / "score.mid"
                program = BY_NAME[player].program
                yield Job((Part(score, program),), path, midi_path=midi, soundfont=soundfont)


def _style(name: str) -> Style:
    """What an instrument may play of it: notes no longer than they sound."""
    return replace(STYLE, decay_s=BY_NAME[name].style.decay_s)
