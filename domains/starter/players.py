"""Who plays practice music and how: touches, organ registrations and ensembles, by chance."""

import random
from collections.abc import Sequence

from starter.compose import Style, compose, playable
from starter.instruments import BY_NAME, Instrument
from starter.performance import PLAIN, Part, Stop, Touch
from starter.score import Score
from umt_trainer.midi import Note

ORGAN_STYLE = Style(36, 96, 6, 0.1)

FOUNDATIONS = (*("organ", "organ", "organ", "reed-organ", "flute"), *("recorder", "calliope"))
"""Of 8': they sound what is played."""

RANKS = ("organ", "flute", "recorder", "ocarina", "calliope", "square-lead", "reed-organ")

# Semitones above the key, and between which levels (dB) beside the foundation: a 16' stop is
# kept softer, or the key would be an octave above what is heard.
LENGTHS: tuple[tuple[int, float, float], ...] = (
    (0, -6, 0),  # 8'
    (12, -9, 0),  # 4'
    (12, -9, 0),
    (19, -16, -4),  # 2⅔'
    (24, -14, -3),  # 2'
    (28, -18, -8),  # 1⅗'
    (31, -16, -6),  # a mixture's
    (36, -16, -6),
    (-12, -16, -6),  # 16'
)

SEATS = (
    ("cello", "acoustic-bass", "bassoon", "tuba", "fingered-bass", "trombone", "contrabass"),
    ("strings", "choir", "guitar", "piano", "french-horn", "harpsichord", "rhodes", "viola"),
    ("flute", "violin", "oboe", "clarinet", "trumpet", "voice-oohs", "whistle", "vibraphone"),
)
"""Players of an ensemble, from low to high."""


def registration(rng: random.Random) -> tuple[int, Touch]:
    """An organ's foundation and one to six stops above it, beside it and below it."""
    drawn = rng.sample(LENGTHS, rng.randint(1, 6))
    stops = [
        _stop(rng.choice(RANKS), semitones, rng.uniform(softest, loudest), rng.gauss(0, 2))
        for semitones, softest, loudest in drawn
    ]
    return BY_NAME[rng.choice(FOUNDATIONS)].program, Touch(tuple(stops), swells=rng.random() < 0.2)


def touch(rng: random.Random, instrument: Instrument) -> Touch:
    """How a player of an instrument might play: plainly as often as not."""
    if not instrument.sustains:
        return PLAIN
    single = instrument.monophonic
    stops = []
    if rng.random() < 0.15:
        # a section instead of a player: the same once more, a little out of tune
        stops.append(_stop(instrument.name, 0, rng.uniform(-6, 0), rng.uniform(-9, 9)))
    return Touch(
        tuple(stops),
        vibrato=rng.randrange(30, 128) if rng.random() < 0.4 else 0,
        swells=rng.random() < 0.4,
        scoop_cents=rng.uniform(50, 200) if single and rng.random() < 0.25 else 0.0,
    )


def ensemble(seed: int, duration_s: float) -> tuple[Part, ...]:
    """A piece for two or three players, who share its notes by register."""
    rng = random.Random(seed)
    seats = SEATS if rng.random() < 0.6 else rng.sample(SEATS, 2)
    players = [BY_NAME[rng.choice(names)] for names in seats]
    players.sort(key=lambda player: player.style.low + player.style.high)
    low = min(player.style.low for player in players)
    high = max(player.style.high for player in players)
    slowest_s = max(player.style.fastest_s for player in players)
    score = compose(rng.getrandbits(32), Style(low, high, 6, slowest_s), duration_s)
    shares = divided(score, players)
    return tuple(
        Part(share, player.program, touch=touch(rng, player), level_db=rng.uniform(-6, 0))
        for player, share in zip(players, shares, strict=True)
    )


def divided(score: Score, players: Sequence[Instrument]) -> list[Score]:
    """A score in parts: every player has a register, the first the lowest.

    What a player cannot play, e.g. a second note at once on a flute, is left out.
    """
    pitches = sorted(note.pitch for note in score.notes)
    borders = [pitches[k * len(pitches) // len(players)] for k in range(1, len(players))]
    shares: list[list[Note]] = [[] for _ in players]
    for note in score.notes:
        shares[sum(note.pitch >= border for border in borders)].append(note)
    return [
        Score(playable(share, player.style, score.duration_s), score.duration_s)
        for player, share in zip(players, shares, strict=True)
    ]


def _stop(name: str, semitones: int, level_db: float, cents: float) -> Stop:
    instrument = BY_NAME[name]
    return Stop(instrument.program, semitones, level_db, cents, highest=instrument.style.high)
