"""Examples are cut where they say, and the same ones whoever asks."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from umt_trainer.data import TRAINING_RMS, Recording, draw, draw_batch, load_recording
from umtcli.errors import TrainingError

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


def test_silence_is_refused_by_name(tmp_path: Path) -> None:
    sf.write(tmp_path / "quiet.wav", np.zeros(8000), 8000)
    with pytest.raises(TrainingError, match=r"quiet\.wav is silent"):
        load_recording(tmp_path / "quiet.wav", 44_100)
