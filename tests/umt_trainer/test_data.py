"""Examples are cut where they say, and the same ones whoever asks."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from umt_trainer.data import (
    TRAINING_RMS,
    Recording,
    draw,
    draw_batch,
    fingerprint,
    load_recording,
)
from umtcli.errors import TrainingError, UmtError

RATE = 1000


def ramp(length: int, notes: list[tuple[float, float, float, float]] | None = None) -> Recording:
    wav = np.arange(length, dtype=np.int16)
    return Recording(wav, None if notes is None else np.array(notes))


def test_a_crop_holds_its_samples_and_the_notes_that_sound_in_it() -> None:
    notes = [(0.0, 0.5, 60.0, 0.0), (1.9, 2.5, 62.0, -3.0), (3.5, 4.0, 64.0, 0.0)]
    wav, kept = ramp(5000, notes).crop(2000, 1000, RATE)
    assert torch.equal(wav * 32768, torch.arange(2000.0, 3000.0))
    assert kept.tolist() == [pytest.approx([-0.1, 0.5, 62.0, -3.0])]


def test_examples_depend_only_on_seed_and_number() -> None:
    recordings = [ramp(3000), ramp(9000)]
    together = draw_batch(recordings, 1, 40, 6, 500, RATE)
    alone = draw_batch(recordings, 1, 43, 1, 500, RATE)
    other = draw_batch(recordings, 2, 40, 6, 500, RATE)
    assert torch.equal(together.wav_BT[3:4], alone.wav_BT)
    assert not torch.equal(together.wav_BT, other.wav_BT)


def test_every_second_of_music_is_as_likely() -> None:
    recordings = [ramp(1500), ramp(3500)]
    drawn = [draw(recordings, 1, number, 500) for number in range(4000)]
    share = sum(which == 1 for which, _ in drawn) / len(drawn)
    assert share == pytest.approx(0.75, abs=0.03)
    assert all(first + 500 <= len(recordings[which].wav) for which, first in drawn)


def test_every_start_is_drawn_the_last_one_too() -> None:
    drawn = {draw([ramp(503)], 1, number, 500)[1] for number in range(200)}
    assert drawn == {0, 1, 2, 3}


def test_a_recording_exactly_as_long_as_an_example_is_drawn() -> None:
    assert draw([ramp(500)], 1, 0, 500) == (0, 0)
    assert {draw([ramp(500), ramp(499)], 1, number, 500) for number in range(50)} == {(0, 0)}


def test_music_without_a_score_is_not_music_without_notes() -> None:
    recordings = [ramp(2000), ramp(2000, [(0.0, 2.0, 60.0, 0.0)]), ramp(2000, [])]
    recordings[2] = Recording(recordings[2].wav, np.zeros((0, 4)))
    for number in range(20):
        which, _ = draw(recordings, 1, number, 500)
        (notes,) = draw_batch(recordings, 1, number, 1, 500, RATE).notes
        assert (notes is None) == (which == 0)
        if notes is not None:
            assert len(notes) == (1 if which == 1 else 0)


def test_each_example_has_another_of_its_own() -> None:
    recordings = [ramp(3000), ramp(9000)]
    together = draw_batch(recordings, 1, 40, 6, 500, RATE)
    alone = draw_batch(recordings, 1, 43, 1, 500, RATE)
    assert together.others is not None
    assert alone.others is not None
    assert torch.equal(together.others.wav_BT[3:4], alone.others.wav_BT)
    distances = together.others.wav_BT[:, 0] - together.wav_BT[:, 0]
    assert len(set(distances.tolist())) == 6  # unrelated places


def test_recordings_are_told_apart_by_name_length_and_content() -> None:
    notes = [(0.0, 1.0, 60.0, 0.0)]
    variants = [
        [ramp(100)],
        [ramp(101)],
        [ramp(100, notes)],
        [ramp(100), ramp(100)],
        [Recording(ramp(100).wav, name="b.flac")],
        [Recording(ramp(100).wav[::-1])],
    ]
    assert len({fingerprint(recordings) for recordings in variants}) == len(variants)
    assert fingerprint([ramp(100)]) == fingerprint([ramp(100)])


def test_recordings_that_are_all_too_short_are_refused() -> None:
    with pytest.raises(TrainingError, match="as long as an example"):
        draw([ramp(100)], 1, 0, 500)


def test_files_become_mono_at_the_rate_and_level_of_training(tmp_path: Path) -> None:
    n = np.arange(48_000) / 48_000
    stereo = 0.5 * np.stack([np.sin(440 * 2 * np.pi * n), np.sin(440 * 2 * np.pi * n)], axis=1)
    sf.write(tmp_path / "a.wav", stereo, 48_000)
    wav = load_recording(tmp_path / "a.wav", 44_100).wav / 32768
    assert len(wav) == 44_100
    assert np.sqrt(np.mean(wav**2)) == pytest.approx(TRAINING_RMS, rel=1e-2)
    spectrum = np.abs(np.fft.rfft(wav))
    assert int(spectrum.argmax()) == 440


def test_peaks_far_above_the_level_are_not_clipped(tmp_path: Path) -> None:
    wav = np.zeros(8000)
    wav[4000], wav[6000] = 0.5, -0.25
    sf.write(tmp_path / "click.wav", wav, 8000, subtype="FLOAT")
    loaded = load_recording(tmp_path / "click.wav", 8000)
    assert loaded.name == "click.wav"
    assert (loaded.wav[4000], loaded.wav[6000]) == (32767, -16384)


def test_samples_are_rounded_and_not_cut_off(tmp_path: Path) -> None:
    wav = np.random.default_rng(1).normal(0, 0.1, 8000).astype(np.float32)
    sf.write(tmp_path / "noise.wav", wav, 8000, subtype="FLOAT")
    wanted = wav * np.float64(TRAINING_RMS * 32768 / np.sqrt(np.mean(wav.astype(np.float64) ** 2)))
    error = load_recording(tmp_path / "noise.wav", 8000).wav - wanted
    assert np.abs(error).max() <= 0.51


def test_silence_is_refused_by_name(tmp_path: Path) -> None:
    sf.write(tmp_path / "quiet.wav", np.zeros(8000), 8000)
    with pytest.raises(TrainingError, match=r"quiet\.wav is silent"):
        load_recording(tmp_path / "quiet.wav", 44_100)
    sf.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    with pytest.raises(UmtError, match=r"empty\.wav"):
        load_recording(tmp_path / "empty.wav", 44_100)
