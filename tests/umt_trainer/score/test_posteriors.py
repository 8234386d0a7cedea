"""Notes are found in what a network believes, where they were painted."""

from __future__ import annotations

import numpy as np

from umt_trainer.score.posteriors import Array, FrameNote, find_notes

NUM_FRAMES = 400


def painted(notes: list[FrameNote], struck: bool = True) -> tuple[Array, Array]:
    """What a network believes of these notes: sure while they sound, strikes of three frames."""
    sounds, strikes = np.full((2, NUM_FRAMES, 88), 0.01)
    for first, end, key in notes:
        sounds[first:end, key] = 0.8
        if struck:
            strikes[first - 1 : first + 2, key] = (0.3, 0.9, 0.3)
    return sounds, strikes


def test_struck_notes_are_found_frame_by_frame() -> None:
    notes = [(20, 50, 44), (20, 80, 40), (90, 300, 0), (100, 120, 87)]
    assert find_notes(*painted(notes)) == notes


def test_a_note_struck_again_is_two() -> None:
    sounds, strikes = painted([(20, 120, 40)])
    strikes[69:72, 40] = (0.3, 0.9, 0.3)
    assert find_notes(sounds, strikes) == [(20, 70, 40), (70, 120, 40)]


def test_gaps_that_are_short_are_bridged_and_longer_ones_are_not() -> None:
    for gap, num_notes in ((10, 1), (11, 2)):
        sounds, strikes = painted([(20, 120, 40)])
        sounds[60 : 60 + gap, 40] = 0.1
        sounds[60 + gap : 80, 40] = np.linspace(0.35, 0.75, 20 - gap)  # no sudden rise
        notes = find_notes(sounds, strikes)
        assert len(notes) == num_notes
        assert notes[0] == (20, 120 if num_notes == 1 else 60, 40)


def test_notes_of_128_ms_and_less_are_none() -> None:
    # frames of 11.6 ms: twelve are longer than 127.7 ms, eleven are not
    assert find_notes(*painted([(20, 31, 40), (50, 62, 45)])) == [(50, 62, 45)]


def test_the_keys_beside_a_note_are_explained_by_it() -> None:
    sounds, strikes = painted([(20, 120, 40)])
    sounds[20:120, (39, 41)] = 0.4
    assert find_notes(sounds, strikes) == [(20, 120, 40)]


def test_what_sounds_without_a_strike_is_a_note_too() -> None:
    sounds, strikes = painted([(50, 120, 40)], struck=False)
    sounds[50:60, 40] = np.linspace(0.35, 0.75, 10)  # no sudden rise either
    ((first, end, key),) = find_notes(sounds, strikes)
    assert key == 40
    assert abs(first - 50) <= 1
    assert abs(end - 120) <= 1


def test_a_sudden_rise_is_a_strike_where_others_were_heard() -> None:
    sounds, strikes = painted([(20, 120, 40)])
    sounds[200:260, 60] = 0.8  # the network heard it sound, but not begin
    assert find_notes(sounds, strikes) == [(20, 120, 40), (200, 260, 60)]


def test_nothing_gives_nothing() -> None:
    assert find_notes(*np.zeros((2, NUM_FRAMES, 88))) == []
    assert find_notes(*np.zeros((2, 0, 88))) == []
