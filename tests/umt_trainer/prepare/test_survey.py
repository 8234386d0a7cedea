"""What is measured on a recording, against signals whose level and faults are known."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from signals import Wave, noise, silence, write
from umt_trainer.prepare.survey import Survey, file_digest, survey
from umtcli.errors import DecodeError

RATE = 8_000


def sine(duration_s: float, amplitude: float = 0.5, hertz: float = 500.0) -> Wave:
    time_T = np.arange(round(duration_s * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * time_T + 0.3)).astype(np.float32)[:, None]


def surveyed(path: Path, wave: Wave, rate: int = RATE) -> Survey:
    return survey(write(path, wave, RATE), rate, lambda seconds: None)


def test_level_and_length_are_those_at_the_other_rate(tmp_path: Path) -> None:
    seconds = []
    path = write(tmp_path / "a.wav", sine(2.0), RATE)
    facts = survey(path, 16_000, seconds.append)
    assert facts.num_samples == 32_000
    assert facts.rms == pytest.approx(0.5 / np.sqrt(2), rel=1e-2)
    assert facts.peak == pytest.approx(0.5, rel=5e-2)
    assert sum(seconds) == pytest.approx(2.0)
    assert facts.warning is None


def test_stereo_is_judged_as_the_mono_it_becomes(tmp_path: Path) -> None:
    opposite = np.hstack([sine(1.0), -sine(1.0)])
    assert surveyed(tmp_path / "a.wav", opposite).rms < 1e-4


def test_silence_between_notes_does_not_sound(tmp_path: Path) -> None:
    breaths = noise(3.0, RATE, 1, level=0.0005)  # 57 dB below the notes
    wave = np.concatenate([sine(1.0), breaths, sine(2.0)])
    assert surveyed(tmp_path / "a.wav", wave).sounding_s == pytest.approx(3.0, abs=0.11)


def test_soft_music_sounds_and_nothing_does_not(tmp_path: Path) -> None:
    assert surveyed(tmp_path / "a.wav", sine(1.0, 0.002)).sounding_s == pytest.approx(1.0)
    assert surveyed(tmp_path / "b.wav", silence(1.0, RATE, 1)).sounding_s == 0


def test_flat_tops_are_clipping_and_loud_peaks_are_not(tmp_path: Path) -> None:
    wave = np.concatenate([sine(1.0, 0.5), np.clip(sine(1.0, 1.5), -1, 1)])
    assert surveyed(tmp_path / "a.wav", wave).clipped_share == pytest.approx(0.5, abs=0.06)
    assert surveyed(tmp_path / "b.wav", sine(1.0, 0.999)).clipped_share == 0


def test_clipping_in_one_channel_is_found(tmp_path: Path) -> None:
    wave = np.hstack([sine(1.0, 0.5), np.clip(sine(1.0, 1.5), -1, 1)])
    assert surveyed(tmp_path / "a.wav", wave).clipped_share == pytest.approx(1.0)


def test_sixteen_bits_at_full_scale_are_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, sine(1.0, 0.9999, hertz=60.0), RATE, subtype="PCM_16")
    assert survey(path, RATE, lambda seconds: None).clipped_share < 0.01


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_infinite_numbers_are_refused_by_name(tmp_path: Path, bad: float) -> None:
    wave = sine(1.0)
    wave[500] = bad
    with pytest.raises(DecodeError, match=r"a\.wav: it holds infinite numbers"):
        surveyed(tmp_path / "a.wav", wave)


def test_the_digest_is_sha_256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # the published test vector, FIPS 180-2
    wanted = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_digest(tmp_path / "abc") == wanted
