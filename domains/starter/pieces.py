"""The lists of pieces that each step of the recipe renders."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from starter.compose import Style, compose
from starter.drums import KITS, drum_loop
from starter.instruments import BY_NAME, INSTRUMENTS, common_style
from starter.render import SOUNDFONT, Job

DOMAINS: dict[str, tuple[tuple[int, ...], Style]] = {
    "piano": ((0, 0, 0, 1), Style(21, 108, 6, decay_s=(5.0, 3.0, 1.0), atonal=0.08)),
    "strings": ((48, 48, 48, 49), Style(28, 96, 5, 0.11, atonal=0.08)),
    "organ": ((19,), Style(36, 96, 6, 0.1, atonal=0.08)),
}
"""Each domain's programs, over which its pieces go in turn, and what they may play."""

SLOW_STEP_S = 0.11
"""Instruments whose fastest notes are no shorter speak slowly."""

SOURCES = (
    *("violin", "flute", "choir", "guitar", "piano", "strings"),
    *("organ", "harpsichord", "clarinet", "brass"),
)
"""What the recipe is evaluated on."""

TARGETS = ("piano", "strings", "organ")


def practice(
    out: Path, pieces_per_program: int, seconds: float, seed: int, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Pieces for the encoder: every usable program, ``practice/{program:03d}_{k}``.

    Instruments that speak slowly play twice as many: when they strike is hardest to hear.
    """
    for k in range(2 * pieces_per_program):
        for program, instrument in INSTRUMENTS.items():
            if k >= pieces_per_program and instrument.style.fastest_s < SLOW_STEP_S:
                continue
            score = compose(_seed(seed, "practice", program, k), instrument.style, seconds)
            path = out / "practice" / f"{program:03d}_{k}.flac"
            yield Job(score, path, program, soundfont=soundfont)


def drums(
    out: Path, num_loops: int, seconds: float, seed: int, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Drum loops, to be mixed into practice music: ``drums/{k:02d}``."""
    for k in range(num_loops):
        score = drum_loop(_seed(seed, "drums", k), seconds)
        kit = KITS[k % len(KITS)]
        yield Job(score, out / "drums" / f"{k:02d}.flac", kit, drums=True, soundfont=soundfont)


def domains(
    out: Path, minutes: float, seed: int, seconds: float = 60.0, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Music of each bundled domain: ``domains/{name}/{k:02d}``; training sees no score."""
    for name, (programs, style) in DOMAINS.items():
        for k in range(max(1, round(minutes * 60 / seconds))):
            score = compose(_seed(seed, name, k), style, seconds)
            path = out / "domains" / name / f"{k:02d}.flac"
            yield Job(score, path, programs[k % len(programs)], soundfont=soundfont)


def evaluation(
    out: Path, pieces_per_source: int, seconds: float, seed: int, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Unseen scores, each played by its source and truly by every target.

    ``evaluation/{source}_{k}/{instrument}.flac`` and ``evaluation/{source}_{k}/score.mid``.
    """
    targets = [BY_NAME[name] for name in TARGETS]
    for name in SOURCES:
        # Targets lend their range only: how fast a piece is, is the source's to say.
        reach = common_style(BY_NAME[name], *targets)
        style = replace(reach, fastest_s=BY_NAME[name].style.fastest_s, atonal=0.05)
        for k in range(pieces_per_source):
            score = compose(_seed(seed, "evaluation", name, k), style, seconds)
            folder = out / "evaluation" / f"{name}_{k}"
            for player in dict.fromkeys((name, *TARGETS)):
                program = BY_NAME[player].program
                path = folder / f"{player}.flac"
                midi = folder / "score.mid"
                yield Job(score, path, program, midi_path=midi, soundfont=soundfont)


def _seed(*parts: object) -> int:
    # Strings seed `random` by their hash under SHA-512, the same on every machine and run.
    return random.Random("/".join(map(str, parts))).getrandbits(32)
