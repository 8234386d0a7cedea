"""Notes out of latents: from activations that are known, and beside a slow reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from umt_domains.harmonic.config import LATENT_RATE, LOWEST_MIDI, NUM_PITCHES
from umt_domains.harmonic.keys import BEGINS, SOON_FRAMES, STRUCK
from umt_domains.harmonic.latents import LEVEL
from umt_domains.harmonic.transcript import LOUD_VELOCITY, SOUNDS, NoteStreams

MIDDLE_C = 60 - LOWEST_MIDI


def silence(num_frames: int = 100) -> Tensor:
    """Nothing is heard in music that is there."""
    latents = torch.zeros(LEVEL + 1, num_frames)
    latents[-1] = 0.1
    return latents


def sounding(latents: Tensor, frames: slice, loudness: float = 1.0, key: int = MIDDLE_C) -> Tensor:
    latents[key, frames] = 0.9
    latents[2 * NUM_PITCHES + key, frames] = 0.9 * loudness
    return latents


def struck(latents: Tensor, *frames: int, key: int = MIDDLE_C) -> Tensor:
    latents[NUM_PITCHES + key, list(frames)] = 0.8
    return latents


def told(latents: Tensor, pieces: tuple[int, ...] = ()) -> list[list[float]]:
    """Events of a whole stream: time, pitch, velocity."""
    streams = NoteStreams()
    stream = streams.open()
    cuts = latents.split([*pieces, latents.shape[1] - sum(pieces)], dim=1)
    events = [streams.push({stream: piece})[stream] for piece in cuts]
    found: list[list[float]] = torch.cat([*events, streams.finish([stream])[stream]], 1).T.tolist()
    return found


def test_a_note_lasts_while_it_sounds() -> None:
    # the middle of frame 20 lies at 0.41 s
    assert told(struck(sounding(silence(), slice(20, 45)), 20)) == [
        [pytest.approx(0.41), 60, LOUD_VELOCITY],
        [pytest.approx(0.91), 60, 0],
    ]


def test_an_onset_between_two_frames_is_found_there() -> None:
    latents = sounding(silence(), slice(20, 45))
    latents[NUM_PITCHES + MIDDLE_C] = (1 - 0.2 * (torch.arange(100) - 20.3) ** 2).clamp_min(0)
    assert told(latents)[0][0] == pytest.approx((20.3 + 0.5) / LATENT_RATE, abs=1e-3)


def test_a_doubtful_strike_leaves_the_note_before_it_sounding() -> None:
    latents = struck(sounding(silence(), slice(20, 60)), 20, 40)
    latents[MIDDLE_C, 30:60] = (SOUNDS + BEGINS) / 2
    assert [velocity > 0 for _, _, velocity in told(latents)] == [True, False]
    assert told(latents)[1][0] == pytest.approx(60.5 / LATENT_RATE)


def test_a_note_struck_again_ends_and_begins() -> None:
    events = told(struck(sounding(silence(), slice(20, 60)), 20, 40))
    assert [velocity > 0 for _, _, velocity in events] == [True, False, True, False]
    assert events[1][0] == events[2][0] == pytest.approx(0.81)


def test_faint_strikes_and_strikes_of_nothing_are_no_notes() -> None:
    latents = struck(sounding(silence(), slice(20, 45)), 50, key=MIDDLE_C + 7)
    latents[NUM_PITCHES + MIDDLE_C, 20] = 0.2
    assert told(latents) == []


def test_the_first_frame_can_be_struck_and_the_last_ends_all() -> None:
    (start_s, _, _), (end_s, _, _) = told(struck(sounding(silence(30), slice(30)), 0))
    assert 0 <= start_s <= 1 / LATENT_RATE
    assert end_s == 30 / LATENT_RATE


def test_what_is_heard_in_silence_is_nothing() -> None:
    latents = struck(sounding(silence(), slice(20, 45)), 20)
    latents[-1] = 1e-6  # an amplitude: −120 dBFS
    assert told(latents) == []


@pytest.mark.parametrize("level_db", [0.0, -6.0, -20.0])
def test_velocities_follow_the_level_as_scores_are_taught(level_db: float) -> None:
    loudness = 1 + level_db / 40  # what `note_targets` makes of a note of that level
    (_, _, velocity), _ = told(struck(sounding(silence(), slice(20, 45), loudness), 20))
    # amplitude goes with the square of the velocity
    assert 40 * np.log10(velocity / LOUD_VELOCITY) == pytest.approx(level_db, abs=0.3)


def chance(num_frames: int) -> Tensor:
    """Activations that often cross what is asked of them, and are often equal."""
    random = np.random.default_rng(5)
    latents = torch.from_numpy(random.integers(0, 15, (LEVEL + 1, num_frames)) / 16).float()
    latents[NUM_PITCHES : 2 * NUM_PITCHES] *= 2 * STRUCK
    latents[-1] = 0.1
    return latents


def slow_reference(latents: Tensor) -> list[tuple[int, float, float]]:
    """Pitch, beginning and end of each note, in frames, looked at one after the other."""
    frame, onset = latents[:NUM_PITCHES].numpy(), latents[NUM_PITCHES : 2 * NUM_PITCHES].numpy()
    onset = np.pad(onset, ((0, 0), (1, 1)))  # silence before and after
    last = frame.shape[1]
    notes = []
    for key in range(NUM_PITCHES):
        left, peak, right = onset[key, :-2], onset[key, 1:-1], onset[key, 2:]
        peaks = [f for f in range(last) if peak[f] > STRUCK and left[f] <= peak[f] > right[f]]
        sure = [f for f in peaks if frame[key, f : f + SOON_FRAMES].max() > BEGINS]
        for place, first in enumerate(sure):
            soon = range(first, min(first + SOON_FRAMES, last))
            begins = [f for f in soon if frame[key, f] > SOUNDS]
            until = sure[place + 1] if place + 1 < len(sure) else last
            silent = [f for f in range(begins[0], until) if frame[key, f] <= SOUNDS]
            notes.append((LOWEST_MIDI + key, first, silent[0] if silent else until))
    return sorted(notes)


def test_the_notes_are_those_of_a_slow_reference() -> None:
    notes, began = [], {}
    for time_s, pitch, velocity in told(chance(120)):
        if velocity:
            assert pitch not in began
            began[pitch] = time_s
        else:
            notes.append((int(pitch), began.pop(pitch) * LATENT_RATE, time_s * LATENT_RATE))
    assert not began
    wanted = slow_reference(chance(120))
    assert len(wanted) > 500
    # within half a frame: where the peak's parabola has its top
    assert sorted(notes) == [
        (pitch, pytest.approx(first + 0.5, abs=0.501), pytest.approx(end + 0.5, abs=0.501))
        for pitch, first, end in wanted
    ]


@pytest.mark.parametrize("pieces", [(1,) * 50, (0, 3, 40, 1), (119,), (120, 0)])
def test_pieces_equal_the_whole(pieces: tuple[int, ...]) -> None:
    whole = told(chance(120))
    assert len(whole) > 500
    assert told(chance(120), pieces) == whole


def test_nothing_has_no_notes() -> None:
    assert told(silence(0)) == []
