"""Invented instruments, by what an ear would check: pitch, rests, and that no two are alike."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from starter import invented
from starter.compose import Style
from starter.invented import SAMPLE_RATE, Instrument, invent, perform
from starter.score import Score
from umt_trainer.midi import Note
from umt_trainer.prepare.scores import read_notes

SCORE = Score((Note(0.2, 1.2, 57, 100), Note(1.21, 2.2, 64, 100)), 3.0)
PLAIN = Instrument(
    style=Style(36, 96, 1),
    partial_db_H=np.r_[0.0, np.full(invented.MOST_PARTIALS - 1, -200.0)],
    body=(),
    stiffness=0.0,
    attack_s=0.01,
    release_s=0.05,
    brighter_db=0.0,
    damping=0.0,
    vibrato_cents=0.0,
    vibrato_hz=5.0,
    glide_s=0.0,
    breath=0.0,
    knock=0.0,
    cents=0.0,
)
"""A sine that begins and ends softly."""


def play(instrument: Instrument, score: Score = SCORE) -> np.ndarray:
    return perform(score, instrument, np.random.default_rng(1))


def hertz(wav_T: np.ndarray, start_s: float, end_s: float) -> float:
    part = wav_T[round(start_s * SAMPLE_RATE) : round(end_s * SAMPLE_RATE)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 1 << 19))
    return float(spectrum.argmax()) * SAMPLE_RATE / (1 << 19)


def test_a_plain_one_plays_sines_where_notes_are_written_and_nothing_elsewhere():
    wav_T = play(PLAIN)
    assert len(wav_T) == round((SCORE.duration_s + invented.TAIL_S) * SAMPLE_RATE)
    assert hertz(wav_T, 0.3, 1.1) == pytest.approx(220.0, abs=0.2)
    assert hertz(wav_T, 1.4, 2.1) == pytest.approx(329.63, abs=0.2)
    assert not wav_T[: round(0.19 * SAMPLE_RATE)].any()
    assert not wav_T[round(2.3 * SAMPLE_RATE) :].any()


def test_stiff_strings_stretch_their_partials():
    only_tenth = np.full(invented.MOST_PARTIALS, -200.0)
    only_tenth[9] = 0.0
    wav_T = play(replace(PLAIN, partial_db_H=only_tenth, stiffness=1e-3))
    assert hertz(wav_T, 0.3, 1.1) == pytest.approx(2200 * np.sqrt(1.1), abs=0.2)


def test_a_note_of_a_fading_instrument_fades_by_35_db_in_its_time():
    fading = replace(PLAIN, style=Style(36, 96, 6, decay_s=(0.8, 0.8, 0.8)))
    wav_T = play(fading, Score((Note(0.0, 1.0, 60, 100),), 1.5))

    def loud_db(at_s: float) -> float:
        part = wav_T[round(at_s * SAMPLE_RATE) :][:2205]
        return float(10 * np.log10(np.mean(part**2)))

    assert loud_db(0.05) - loud_db(0.85) == pytest.approx(4.0 * 20 * np.log10(np.e), abs=1.0)


def test_a_line_glides_from_note_to_note():
    wav_T = play(replace(PLAIN, glide_s=0.08))
    assert 220 < hertz(wav_T, 1.21, 1.24) < 320
    assert hertz(wav_T, 1.6, 2.1) == pytest.approx(329.63, abs=0.3)


def test_a_softer_note_is_softer_by_the_square_of_its_velocity():
    soft = Score((Note(0.2, 1.2, 57, 50),), 2.0)
    loud = Score((Note(0.2, 1.2, 57, 100),), 2.0)
    ratio = np.std(play(PLAIN, loud)) / np.std(play(PLAIN, soft))
    assert ratio == pytest.approx(4.0, rel=1e-3)


def test_every_seed_invents_another_and_all_can_be_played():
    drawn = [invent(np.random.default_rng(seed)) for seed in range(40)]
    assert len({tuple(one.partial_db_H) for one in drawn}) == 40
    assert {one.style.decay_s is None for one in drawn} == {True, False}
    for one in drawn:
        pitch = (one.style.low + one.style.high) // 2
        wav_T = play(one, Score((Note(0.2, 1.2, pitch, 90),), 1.5))
        assert np.isfinite(wav_T).all()
        assert np.abs(wav_T).max() > 0.01


def test_a_recording_is_kept_with_its_score_and_made_once(tmp_path):
    path = tmp_path / "new" / "invented_0.flac"
    assert invented.record(SCORE, 5, path)
    made = path.read_bytes()
    assert not invented.record(SCORE, 5, path)
    wav_T, rate = sf.read(path)
    assert (len(wav_T), rate) == (4 * SAMPLE_RATE, SAMPLE_RATE)
    assert [round(note[2]) for note in read_notes(path.with_suffix(".mid"))] == [57, 64]
    path.unlink()
    invented.record(SCORE, 5, path)
    assert path.read_bytes() == made
