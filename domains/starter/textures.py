"""Ways to fill a section with notes: single lines here, several voices at once in `chordal`."""

from collections.abc import Callable, Sequence

from starter.section import Section
from umt_trainer.midi import Note

Texture = Callable[[Section], list[Note]]


def melody(section: Section, low: int | None = None, high: int | None = None) -> list[Note]:
    """A tune: mostly steps, some leaps, rests, chord notes on long beats."""
    rng = section.rng
    low = section.low if low is None else low
    high = section.high if high is None else high
    scale = section.key.pitches(low, high)
    at = rng.randrange(len(scale))
    rest_share = rng.choice((0.0, 0.08, 0.2))
    chromatic_share = rng.choice((0.0, 0.0, 0.1))
    notes = []
    for start_s, step_s in section.beats():
        if rng.random() < rest_share:
            continue
        pitch = scale[at]
        if step_s > 1.2 * section.beat_s:
            chord = section.voicing(section.chord_at(start_s), low, high)
            pitch = min(chord, key=lambda tone: abs(tone - pitch), default=pitch)
        elif rng.random() < chromatic_share:
            pitch = min(high, pitch + 1)
        notes.append(section.note(start_s, step_s, pitch, accent=rng.choice((0, 0, 0, 15))))
        at += rng.choice((-2, -1, -1, 1, 1, 2, 0, rng.randrange(-7, 8)))
        at = _reflect(at, len(scale))
    return notes


def run(section: Section) -> list[Note]:
    """Scales up and down, from calm to as fast as the instrument goes."""
    rng = section.rng
    scale = section.key.pitches(section.low, section.high)
    if rng.random() < 0.25:
        scale = list(range(section.low, section.high + 1))
    at, direction = rng.randrange(len(scale)), rng.choice((-1, 1))
    turn_share = rng.choice((0.03, 0.1))
    notes = []
    for start_s, step_s in section.steps([rng.uniform(section.fastest_s, 0.25)]):
        notes.append(section.note(start_s, step_s, scale[at]))
        if not 0 <= at + direction < len(scale) or rng.random() < turn_share:
            direction = -direction
        at = min(len(scale) - 1, max(0, at + direction))
    return notes


def broken_chords(section: Section) -> list[Note]:
    """Chord notes one after another, up, down or in a figure."""
    rng = section.rng
    size = rng.choice((3, 4, 4, 5, 6))
    figure = rng.choice(
        (range(size), range(size - 1, -1, -1), (0, 2, 1, 2), (0, size - 1, 1, size - 1))
    )
    step_s = rng.choice((section.beat_s / 4, section.beat_s / 3, section.beat_s / 2))
    notes: list[Note] = []
    tones: Sequence[int] = ()
    chord: frozenset[int] | None = None
    for index, (start_s, length_s) in enumerate(section.steps([step_s])):
        if section.chord_at(start_s) != chord:
            chord = section.chord_at(start_s)
            tones = section.sounding(chord, size)
        if tones:
            pitch = tones[figure[index % len(figure)] % len(tones)]
            accent = 8 if index % len(figure) == 0 else 0
            notes.append(section.note(start_s, length_s, pitch, accent=accent))
    return notes


def trill(section: Section) -> list[Note]:
    """Two neighbouring notes alternating fast, on one place after another."""
    rng = section.rng
    speed_s = rng.uniform(section.fastest_s, 0.16)
    notes = []
    for start_s, end_s, _ in section.chord_spans():
        lower = rng.randrange(section.low, section.high - 1)
        upper = lower + rng.choice((1, 2, 2, 3, 4))
        now_s, index = start_s, 0
        while now_s < end_s - speed_s:
            pitch = min(section.range_high, (lower, upper)[index % 2])
            notes.append(section.note(now_s, speed_s, pitch))
            now_s += speed_s
            index += 1
    return notes


def repeated(section: Section) -> list[Note]:
    """The same note again and again, then another."""
    rng = section.rng
    step_s = rng.uniform(max(0.1, section.fastest_s), 0.4)
    notes = []
    pitch = rng.randint(section.low, section.high)
    for start_s, length_s in section.steps([step_s]):
        if rng.random() < 0.18:
            pitch = rng.randint(section.low, section.high)
        notes.append(section.note(start_s, length_s, pitch, articulation=rng.uniform(0.4, 0.9)))
    return notes


def reiterated(section: Section) -> list[Note]:
    """The same note again and again without a rest, slowly: only a new attack tells them."""
    rng = section.rng
    scale = section.key.pitches(section.low, section.high)
    pitch = rng.choice(scale)
    steps_s = [rng.uniform(max(0.25, section.fastest_s), 1.2) for _ in range(rng.choice((1, 4)))]
    notes = []
    for start_s, length_s in section.steps(steps_s):
        if rng.random() < 0.25:
            pitch = rng.choice(scale)
        notes.append(section.note(start_s, length_s, pitch, articulation=1.05))
    return notes


def long_notes(section: Section) -> list[Note]:
    """Notes of one to eight seconds."""
    rng = section.rng
    scale = section.key.pitches(section.low, section.high)
    steps = section.steps([rng.uniform(1, 8) for _ in range(4)])
    return [
        section.note(
            start_s, min(step_s, section.end_s - start_s), rng.choice(scale), articulation=0.97
        )
        for start_s, step_s in steps
    ]


def leaps(section: Section) -> list[Note]:
    """Wide leaps over the whole instrument."""
    rng = section.rng
    scale = section.key.pitches(section.range_low, section.range_high)
    return [
        section.note(start_s, step_s, rng.choice(scale), accent=rng.choice((0, 0, 20)))
        for start_s, step_s in section.beats()
    ]


def random_line(section: Section) -> list[Note]:
    """Any pitch of the instrument at any time: nothing here can be guessed from harmony."""
    rng = section.rng
    mean_s = max(1.5 * section.fastest_s, rng.choice((0.15, 0.3, 0.6)))
    durations = [section.fastest_s + rng.expovariate(1 / mean_s) for _ in range(40)]
    return [
        section.note(
            start_s,
            step_s,
            rng.randint(section.range_low, section.range_high),
            accent=rng.uniform(-25, 25),
        )
        for start_s, step_s in section.steps(durations)
    ]


def _reflect(at: int, size: int) -> int:
    """Bring an index that ran over an end back by the same distance."""
    if at < 0:
        at = -at
    if at >= size:
        at = 2 * (size - 1) - at
    return min(size - 1, max(0, at))


MONOPHONIC: tuple[Texture, ...] = (
    melody,
    melody,
    run,
    broken_chords,
    trill,
    repeated,
    reiterated,
    long_notes,
    long_notes,
    leaps,
)
