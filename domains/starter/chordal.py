"""Textures of several voices at once."""

import dataclasses

from starter.section import Section
from starter.textures import Texture, broken_chords, melody
from umt_trainer.midi import Note


def block_chords(section: Section) -> list[Note]:
    """Chords struck together, or spread a little as hands do."""
    rng = section.rng
    size = _voices(section, 2, 6)
    spread_s = rng.choice((0.0, 0.0, 0.01, 0.04))
    notes = []
    for start_s, step_s in section.beats():
        pitches = section.sounding(section.chord_at(start_s), size)
        for order, pitch in enumerate(pitches):
            notes.append(section.note(start_s + order * spread_s, step_s, pitch))
    return notes


def held_chords(section: Section) -> list[Note]:
    """One chord after another, each held until the next."""
    size = _voices(section, 2, 6)
    return [
        section.note(start_s, end_s - start_s, pitch, articulation=0.97)
        for start_s, end_s, chord in section.chord_spans()
        for pitch in section.sounding(chord, size)
    ]


def reiterated_chords(section: Section) -> list[Note]:
    """A chord again and again without a rest, while some of its notes move on to others."""
    rng = section.rng
    size = _voices(section, 1, 5)
    step_s = rng.uniform(max(0.25, section.fastest_s), 1.2)
    held: list[int] = []
    notes = []
    for start_s, length_s in section.steps([step_s]):
        if not held or rng.random() < 0.35:
            pool = section.voicing(section.chord_at(start_s), section.low, section.high)
            kept = [pitch for pitch in held if rng.random() < 0.6]
            others = [pitch for pitch in pool if pitch not in kept]
            held = kept + rng.sample(others, min(len(others), size - len(kept)))
        notes += [section.note(start_s, length_s, pitch, articulation=1.05) for pitch in held]
    return notes


def layered(section: Section) -> list[Note]:
    """Notes of a chord that enter one after another and are all held to the end."""
    rng = section.rng
    chord = section.chords[0]
    pitches = section.sounding(chord, _voices(section, 3, 6))
    rng.shuffle(pitches)
    apart_s = rng.uniform(0.15, 0.7) * section.length_s / max(1, len(pitches))
    return [
        section.note(start_s, section.end_s - start_s, pitch, articulation=0.98)
        for start_s, pitch in (
            (section.start_s + order * apart_s, pitch) for order, pitch in enumerate(pitches)
        )
    ]


def melody_and_chords(section: Section) -> list[Note]:
    """A tune over softer chords or a bass."""
    rng = section.rng
    split = (section.low + section.high) // 2
    tune_low = split if section.high - split >= 12 else max(section.range_low, section.high - 12)
    notes = melody(section, tune_low, section.high)
    below = dataclasses.replace(
        section,
        low=section.low,
        high=max(split, section.low + 7),
        velocity=section.velocity - rng.randrange(0, 25),
        articulation=rng.choice((0.4, 0.9, 1.0)),
    )
    size = _voices(section, 1, 4, spare=1)
    pattern = rng.choice(("held", "struck", "oompah"))
    for start_s, end_s, chord in below.chord_spans():
        pitches = below.sounding(chord, size)
        if pattern == "held":
            notes += [below.note(start_s, end_s - start_s, pitch) for pitch in pitches]
            continue
        num_beats = max(1, round((end_s - start_s) / below.beat_s))
        for beat in range(num_beats):
            step_s = (end_s - start_s) / num_beats
            struck = pitches[:1] if beat % 2 == 0 else pitches[1:]
            for pitch in pitches if pattern == "struck" else struck:
                notes.append(below.note(start_s + beat * step_s, step_s, pitch))
    return notes


def accompanied_figure(section: Section) -> list[Note]:
    """A broken chord under or over a tune, as in an Alberti bass."""
    split = (section.low + section.high) // 2
    if section.high - section.low < 20:
        return broken_chords(section)
    lower = dataclasses.replace(section, high=split, velocity=section.velocity - 10)
    upper = dataclasses.replace(section, low=split)
    if section.rng.random() < 0.3:
        return melody(lower) + broken_chords(upper)
    return broken_chords(lower) + melody(upper)


def pedalled(section: Section) -> list[Note]:
    """A broken chord whose notes all ring until the harmony changes, as under a pedal."""
    notes = broken_chords(dataclasses.replace(section, articulation=1.0))
    ends = [end_s for _, end_s, _ in section.chord_spans()]
    rung = []
    for note in notes:
        end_s = next((end for end in ends if end > note.start_s + 0.05), section.end_s)
        rung.append(dataclasses.replace(note, end_s=max(note.end_s, end_s)))
    return rung


def counterpoint(section: Section) -> list[Note]:
    """Two to four independent lines, each in its own part of the register."""
    voices = _voices(section, 2, 4)
    width = max(9, (section.high - section.low) // voices)
    notes = []
    for voice in range(voices):
        low = min(section.low + voice * width, section.range_high - width)
        low = max(section.range_low, low)
        notes += melody(section, low, min(section.range_high, low + width))
    return notes


def octaves(section: Section) -> list[Note]:
    """A line doubled at the octave, or at a third or a sixth."""
    interval = section.rng.choice((12, 12, 12, 3, 4, 7, 9, 24))
    line = melody(section)
    doubled = [
        dataclasses.replace(note, pitch=note.pitch + interval)
        for note in line
        if note.pitch + interval <= section.range_high
    ]
    return line + doubled


def clusters(section: Section) -> list[Note]:
    """Random notes at once, anywhere: chords that no harmony explains."""
    rng = section.rng
    notes = []
    for start_s, step_s in section.beats():
        for _ in range(_voices(section, 1, 6)):
            pitch = rng.randint(section.range_low, section.range_high)
            notes.append(section.note(start_s, step_s, pitch, accent=rng.uniform(-25, 25)))
    return notes


def cloud(section: Section) -> list[Note]:
    """Notes that begin and end at random, independent of one another."""
    rng = section.rng
    notes = []
    rate = rng.choice((1.5, 3, 6)) * min(1.0, section.max_voices / 4)
    now_s = section.start_s
    while now_s < section.end_s - 0.1:
        pitch = rng.randint(section.range_low, section.range_high)
        length_s = min(rng.uniform(0.1, 1.5), section.end_s - now_s)
        notes.append(section.note(now_s, length_s, pitch, accent=rng.uniform(-30, 30)))
        now_s += rng.expovariate(rate)
    return notes


def _voices(section: Section, low: int, high: int, spare: int = 0) -> int:
    """Draw how many notes sound at once, ``spare`` of the instrument's being used already."""
    most = max(1, min(high, section.max_voices - spare))
    return section.rng.randint(min(low, most), most)


POLYPHONIC: tuple[Texture, ...] = (
    block_chords,
    held_chords,
    held_chords,
    reiterated_chords,
    layered,
    melody_and_chords,
    melody_and_chords,
    accompanied_figure,
    pedalled,
    counterpoint,
    counterpoint,
    octaves,
)

DOUBLE_STOPS: tuple[Texture, ...] = (block_chords, held_chords, counterpoint, octaves)
"""For bowed strings: never more than two notes at once."""
