from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starter.compose import Style, compose
from starter.instruments import BY_NAME, INSTRUMENTS
from starter.score import REPEAT_GAP_S, SHORTEST_NOTE_S

DURATION_S = 20.0
SEEDS = st.integers(0, 2**32 - 1)
PROGRAMS = st.sampled_from(sorted(INSTRUMENTS))


@given(SEEDS, PROGRAMS)
@settings(deadline=None)
def test_every_note_can_be_played(seed, program):
    style = INSTRUMENTS[program].style
    score = compose(seed, style, DURATION_S)
    assert score.notes
    assert list(score.notes) == sorted(score.notes)
    for note in score.notes:
        assert style.low <= note.pitch <= style.high
        assert 20 <= note.velocity <= 127
        assert 0 <= note.start_s < note.end_s <= DURATION_S
        length_s = note.end_s - note.start_s
        assert SHORTEST_NOTE_S <= length_s <= style.longest_s(note.pitch) + 1e-9


@given(SEEDS, PROGRAMS)
@settings(deadline=None)
def test_notes_of_one_pitch_leave_a_gap_between_them(seed, program):
    last_end_s: dict[int, float] = {}
    for note in compose(seed, INSTRUMENTS[program].style, DURATION_S).notes:
        if note.pitch in last_end_s:
            assert note.start_s - last_end_s[note.pitch] >= REPEAT_GAP_S - 1e-9
        last_end_s[note.pitch] = note.end_s


@given(SEEDS)
@settings(deadline=None)
def test_single_lines_overlap_by_a_legato_at_most(seed):
    notes = compose(seed, Style(55, 90, max_voices=1), DURATION_S).notes
    for before, after in pairwise(notes):
        assert before.end_s - after.start_s <= 0.031


@given(SEEDS)
@settings(deadline=None)
def test_the_same_seed_gives_the_same_piece(seed):
    assert compose(seed, Style(), DURATION_S) == compose(seed, Style(), DURATION_S)


def test_other_seeds_give_other_pieces():
    assert len({compose(seed, Style(), DURATION_S).notes for seed in range(20)}) == 20


def _many(style: Style, count: int = 60) -> list:
    return [note for seed in range(count) for note in compose(seed, style, 40.0).notes]


def test_dynamics_go_from_very_soft_to_very_loud():
    velocities = sorted(note.velocity for note in _many(Style()))
    assert velocities[len(velocities) // 20] < 40
    assert velocities[-len(velocities) // 20] > 100


def test_notes_are_short_and_long_slow_and_fast():
    lengths = sorted(note.end_s - note.start_s for note in _many(Style()))
    assert lengths[len(lengths) // 20] < 0.12
    assert lengths[-len(lengths) // 20] > 1.0
    line = compose(0, Style(max_voices=1), 400.0).notes
    steps = sorted(b.start_s - a.start_s for a, b in pairwise(line))
    assert steps[len(steps) // 20] < 0.12


@pytest.mark.parametrize("style", [Style(21, 108), Style(60, 96, max_voices=1)])
def test_every_pitch_is_played_about_as_often(style):
    counts = Counter(note.pitch for note in _many(style, 200))
    mean = counts.total() / (style.high - style.low + 1)
    for pitch in range(style.low, style.high + 1):
        assert 0.35 * mean < counts[pitch] < 2.2 * mean


def test_there_are_chords_and_silences():
    score = compose(3, Style(), 300.0)
    starts = Counter(round(note.start_s, 1) for note in score.notes)
    assert max(starts.values()) >= 4
    heard_until_s, longest_rest_s = 0.0, 0.0
    for note in score.notes:
        longest_rest_s = max(longest_rest_s, note.start_s - heard_until_s)
        heard_until_s = max(heard_until_s, note.end_s)
    assert longest_rest_s > 0.2


def test_decaying_sounds_are_not_held():
    xylophone = INSTRUMENTS[13]
    assert not xylophone.sustains
    assert all(n.end_s - n.start_s < 0.65 for n in compose(1, xylophone.style, 60.0).notes)


def test_slow_instruments_often_strike_a_note_again_without_a_rest():
    """What a listening network merges unless it has heard much of it."""

    def share(style: Style) -> float:
        again = notes = 0
        for seed in range(40):
            last_end_s: dict[int, float] = {}
            for note in compose(seed, style, 40.0).notes:
                at_once = note.start_s - last_end_s.get(note.pitch, -1.0) < 1.5 * REPEAT_GAP_S
                again += at_once and note.end_s - note.start_s > 0.2
                last_end_s[note.pitch] = note.end_s
                notes += 1
        return again / notes

    assert share(BY_NAME["choir"].style) > 0.1
    assert share(BY_NAME["strings"].style) > 0.05


def test_the_table_has_plausible_instruments():
    assert 70 <= len(INSTRUMENTS) <= 90
    assert len(BY_NAME) == len(INSTRUMENTS)
    for program, instrument in INSTRUMENTS.items():
        assert program == instrument.program < 112
        assert 21 <= instrument.style.low < instrument.style.high - 24 <= 108 - 24
