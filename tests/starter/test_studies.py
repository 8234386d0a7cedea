from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starter.compose import Style, compose
from starter.instruments import BY_NAME
from starter.studies import FORMS, SOLOS, study

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from(sorted(BY_NAME)))
@settings(deadline=None)
def test_instruments_can_play_their_studies(seed, name):
    style = BY_NAME[name].style
    score = study(seed, style, 15.0)
    assert score == study(seed, style, 15.0)
    assert len(score.notes) >= 4
    for note in score.notes:
        assert style.low <= note.pitch <= style.high
        assert 0 <= note.start_s < note.end_s <= 15.0
        assert note.end_s - note.start_s <= style.longest_s(note.pitch) + 1e-9


@given(SEEDS)
@settings(deadline=None)
def test_solos_are_single_lines(seed):
    for before, after in pairwise(study(seed, Style(60, 90, max_voices=1), 20.0).notes):
        assert before.end_s - after.start_s <= 0.031


def test_studies_fill_their_time_and_differ():
    scores = [study(seed, Style(), 20.0) for seed in range(30)]
    assert len({score.notes for score in scores}) == 30
    assert all(score.notes[-1].end_s > 12.0 for score in scores)


@pytest.mark.parametrize(("voices", "forms"), [(1, SOLOS), (6, FORMS)])
def test_every_form_is_played(voices, forms):
    """Forms are told by how many notes sound at once, and how even they are."""
    shapes = set()
    for seed in range(60):
        notes = study(seed, Style(max_voices=voices), 20.0).notes
        at_once = max(sum(n.start_s <= m.start_s < n.end_s for n in notes) for m in notes)
        lengths = {round(n.end_s - n.start_s, 1) for n in notes}
        shapes.add((min(at_once, 4), len(lengths) > 3))
    assert len(shapes) >= len(set(forms))


def test_studies_are_diatonic_where_practice_music_is_anything():
    """The rules differ: a study keeps to seven notes, practice music does not."""
    for seed in range(20):
        assert len({note.pitch % 12 for note in study(seed, Style(), 20.0).notes}) <= 7
    practised = [len({n.pitch % 12 for n in compose(s, Style(), 20.0).notes}) for s in range(20)]
    assert sum(number > 7 for number in practised) > 10
