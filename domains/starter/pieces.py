"""The lists of pieces that each step of the recipe renders."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from starter import invented
from starter.compose import compose
from starter.drums import KITS, drum_loop, noise
from starter.instruments import INSTRUMENTS
from starter.performance import Part
from starter.players import ORGAN_STYLE, ensemble, registration, touch
from starter.render import SOUNDFONT, Job
from starter.targets import TARGETS

STROKES, EFFECTS = (115, 116, 117, 118, 119), (121, 122, 125, 126)
"""Programs without a pitch: percussion; and breath, seashore, helicopter, applause."""

SHARE = 6
"""Organ pieces and pieces for ensembles, for each piece of an ordinary program."""

INVENTED_SHARE = 40
"""Pieces for instruments that nobody has built, for each piece of an ordinary program."""


def practice(
    out: Path, pieces_per_program: int, seconds: float, seed: int, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Pieces for the encoder, ``practice/{program:03d}_{k}``: every usable program.

    Instruments that speak slowly play twice as many: when they strike is hardest to hear.
    Then come organs of many stops, ``practice/organ_{k}``, and ensembles,
    ``practice/ensemble_{k}``.
    """

    def job(name: str, *parts: Part) -> Job:
        return Job(parts, out / "practice" / f"{name}.flac", soundfont=soundfont)

    for k in range(2 * pieces_per_program):
        for program, instrument in INSTRUMENTS.items():
            if k >= pieces_per_program and not instrument.style.speaks_slowly:
                continue
            own = seed_of(seed, "practice", program, k)
            played = touch(random.Random(own), instrument)
            score = compose(own, instrument.style, seconds)
            yield job(f"{program:03d}_{k}", Part(score, program, touch=played))
    for k in range(SHARE * pieces_per_program):
        own = seed_of(seed, "organ", k)
        program, stops = registration(random.Random(own))
        yield job(f"organ_{k}", Part(compose(own, ORGAN_STYLE, seconds), program, touch=stops))
        yield job(f"ensemble_{k}", *ensemble(seed_of(seed, "ensemble", k), seconds))


def inventions(
    out: Path, pieces_per_program: int, seconds: float, seed: int
) -> Iterator[Callable[[], bool]]:
    """Pieces of which each has an instrument of its own, ``practice/invented_{k}``."""
    for k in range(INVENTED_SHARE * pieces_per_program):
        own = seed_of(seed, "invented", k)
        style = invented.invent(np.random.default_rng(own)).style
        path = out / "practice" / f"invented_{k}.flac"
        yield partial(invented.record, compose(own, style, seconds), own, path)


def drums(
    out: Path, num_loops: int, seconds: float, seed: int, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """What is to be ignored in practice music: ``drums/{k:02d}`` and ``drums/noise-{program}``."""
    for k in range(num_loops):
        part = Part(drum_loop(seed_of(seed, "drums", k), seconds), KITS[k % len(KITS)], "drums")
        yield Job((part,), out / "drums" / f"{k:02d}.flac", soundfont=soundfont)
    for program in (*STROKES, *EFFECTS):
        score = noise(seed_of(seed, "noise", program), seconds, held=program in EFFECTS)
        path = out / "drums" / f"noise-{program}.flac"
        yield Job((Part(score, program, "noise"),), path, soundfont=soundfont)


def domains(
    out: Path, minutes: float, seed: int, seconds: float = 60.0, soundfont: Path = SOUNDFONT
) -> Iterator[Job]:
    """Music of each bundled domain: ``domains/{name}/{k:02d}``; training sees no score."""
    for name, target in TARGETS.items():
        for k in range(max(1, round(minutes * 60 / seconds))):
            style = target.styles[k % len(target.styles)]
            program = target.programs[k % len(target.programs)]
            part = Part(compose(seed_of(seed, name, k), style, seconds), program)
            yield Job((part,), out / "domains" / name / f"{k:02d}.flac", soundfont=soundfont)


def seed_of(*parts: object) -> int:
    """A seed of its own for each piece."""
    # Strings seed `random` by their hash under SHA-512, the same on every machine and run.
    return random.Random("/".join(map(str, parts))).getrandbits(32)
