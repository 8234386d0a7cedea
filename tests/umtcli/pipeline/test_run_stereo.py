"""What a conversion promises of the stereo image: channels keep their sides and differences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conversions import MakeCatalog, MidFamily, convert_one
from signals import Wave, noise, octaves, power_db, read, write
from toy import ToyFamily
from umtcli.catalog import Catalog
from umtcli.pipeline import convert


def test_equal_channels_stay_identical(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", np.repeat(noise(2.0, channels=1), 2, axis=1))
    out, _, _ = convert_one(path, catalog)
    assert out.any()
    assert np.array_equal(out[:, 0], out[:, 1])


def test_equal_channels_stay_identical_in_16_bits(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", np.repeat(noise(2.0, channels=1), 2, axis=1))
    convert(path, "low", tmp_path / "out.wav", catalog=catalog)
    out, _ = read(tmp_path / "out.wav")
    assert np.array_equal(out[:, 0], out[:, 1])


def test_mono_stays_mono(tmp_path: Path, catalog: Catalog) -> None:
    out, _, _ = convert_one(write(tmp_path / "in.wav", noise(1.0, channels=1)), catalog)
    assert out.shape[1] == 1
    assert out.any()


@pytest.fixture(params=[ToyFamily, MidFamily])
def any_catalog(request: pytest.FixtureRequest, make_catalog: MakeCatalog) -> Catalog:
    return make_catalog(request.param())


@pytest.mark.parametrize("side", [0, 1])
def test_hard_panned_stays_panned(tmp_path: Path, any_catalog: Catalog, side: int) -> None:
    wave = noise(2.0)
    wave[:, 1 - side] = 0
    out, _, _ = convert_one(write(tmp_path / "in.wav", wave), any_catalog)
    powers = power_db(out)
    assert powers[side] - powers[1 - side] > 20


def test_every_octave_keeps_its_level_difference(tmp_path: Path, any_catalog: Catalog) -> None:
    wave = noise(4.0, 16_000) * np.float32([1.0, 0.4])
    out, rate, _ = convert_one(write(tmp_path / "in.wav", wave, 16_000), any_catalog)
    wanted = octaves(wave, 16_000) @ [1, -1]
    # the toy hears nothing above 4 kHz: above, the rest's image is right by definition
    np.testing.assert_allclose(octaves(out, rate) @ [1, -1], wanted, atol=3)


def tones(differences_db: list[float], rate: int = 16_000, duration_s: float = 4.0) -> Wave:
    """A tone in each octave from 125 Hz up, left over right by so many dB."""
    time_s = np.arange(round(duration_s * rate)) / rate
    wave = np.zeros((len(time_s), 2))
    for octave, difference_db in enumerate(differences_db):
        sides = 10 ** (np.array([difference_db, -difference_db]) / 40)
        wave += 0.02 * np.sin(2 * np.pi * 125 * 2**octave * time_s)[:, None] * sides
    return wave.astype(np.float32)


def test_each_octave_has_a_side_of_its_own(tmp_path: Path, any_catalog: Catalog) -> None:
    differences_db = [9.0, 3.0, -3.0, -9.0, 0.0]
    path = write(tmp_path / "in.wav", tones(differences_db), 16_000)
    out, rate, _ = convert_one(path, any_catalog)
    np.testing.assert_allclose((octaves(out, rate) @ [1, -1])[:5], differences_db, atol=3)


def test_a_low_tone_left_and_a_high_tone_right_keep_their_sides(
    tmp_path: Path, any_catalog: Catalog
) -> None:
    time_s = np.arange(4 * 16_000) / 16_000
    low, high = (0.05 * np.sin(2 * np.pi * hz * time_s) for hz in (125, 2_000))
    wave = np.stack([low, high], axis=1).astype(np.float32)
    out, rate, _ = convert_one(write(tmp_path / "in.wav", wave, 16_000), any_catalog)
    difference_db = octaves(out, rate) @ [1, -1]
    assert difference_db[0] > 20  # 88 … 177 Hz
    assert difference_db[4] < -20  # 1.4 … 2.8 kHz
