"""Drum loops: patterns over General MIDI kits, for mixing into practice music."""

import random

from starter.score import Score
from umt_trainer.midi import Note

KITS = (0, 8, 16, 24, 25, 32, 40)
"""Drum programs: standard, room, power, electronic, TR-808, jazz, brush."""

# How likely a drum is struck on a sixteenth of the bar: on beats, between them, elsewhere.
PARTS: tuple[tuple[tuple[int, ...], tuple[float, float, float]], ...] = (
    ((35, 36), (0.7, 0.25, 0.08)),  # bass drum
    ((38, 40, 37), (0.4, 0.1, 0.08)),  # snare, side stick
    ((42, 44), (0.9, 0.75, 0.35)),  # closed hi-hat
    ((46,), (0.05, 0.15, 0.02)),  # open hi-hat
    ((51, 53), (0.25, 0.15, 0.08)),  # ride
    ((41, 43, 45, 47, 48, 50), (0.08, 0.08, 0.1)),  # toms
    ((49, 57, 55), (0.05, 0.01, 0.0)),  # crashes
    ((39, 54, 56, 69, 70, 75), (0.12, 0.12, 0.06)),  # claps, tambourine, cowbell, shakers
    ((60, 61, 62, 63, 64), (0.1, 0.15, 0.1)),  # bongos, congas
)

HIT_S = 0.09


def drum_loop(seed: int, duration_s: float) -> Score:
    """Draw a bar, and play it with fills and human timing until ``duration_s``."""
    rng = random.Random(seed)
    beat_s = 60 / rng.uniform(65, 170)
    beats_per_bar = rng.choice((3, 4, 4, 4))
    bar = _bar(rng, beats_per_bar)
    loudness = rng.uniform(55, 105)
    hits: dict[tuple[int, int], Note] = {}
    step_s = beat_s / 4
    num_steps = int((duration_s - 0.3) / step_s)
    for step in range(num_steps):
        if step % (4 * beats_per_bar * 8) == 0 and step:
            bar = _bar(rng, beats_per_bar)  # another pattern every eight bars
        in_bar = step % (4 * beats_per_bar)
        fill = (step // (4 * beats_per_bar)) % 4 == 3 and in_bar >= 4 * (beats_per_bar - 1)
        struck = [rng.choice(PARTS[5][0])] if fill and rng.random() < 0.7 else bar[in_bar]
        for drum in struck:
            start_s = max(0.0, step * step_s + rng.gauss(0, 0.004))
            velocity = loudness + (12 if in_bar % 4 == 0 else 0) + rng.gauss(0, 8)
            note = Note(start_s, start_s + HIT_S, drum, round(min(127, max(15, velocity))))
            hits[step, drum] = note
    return Score(tuple(sorted(hits.values())), duration_s)


def noise(seed: int, duration_s: float, *, held: bool) -> Score:
    """Strokes, or long noises, on any key: for programs that have no pitch to be heard."""
    rng = random.Random(seed)
    notes, now_s = [], rng.uniform(0, 0.5)
    while now_s < duration_s - 0.5:
        length_s = rng.uniform(1.5, 6.0) if held else rng.choice((0.15, 0.3, 0.3, 0.6))
        end_s = min(duration_s, now_s + length_s)
        notes.append(Note(now_s, end_s, rng.randint(36, 84), rng.randint(40, 110)))
        now_s += length_s * rng.uniform(1.0, 1.5)
    return Score(tuple(notes), duration_s)


def _bar(rng: random.Random, beats_per_bar: int) -> list[list[int]]:
    bar: list[list[int]] = [[] for _ in range(4 * beats_per_bar)]
    for drums, likelihoods in PARTS:
        drum = rng.choice(drums)
        if rng.random() < 0.25:
            continue  # not every drummer uses every drum
        for step, struck in enumerate(bar):
            place = 0 if step % 4 == 0 else 1 if step % 2 == 0 else 2
            if rng.random() < likelihoods[place]:
                struck.append(drum)
    if not any(bar):
        bar[0].append(PARTS[0][0][0])  # who leaves out everything still marks the one
    return bar
