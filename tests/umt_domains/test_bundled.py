"""The shipped piano, on real sound, keeps what the pipeline promises."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from safetensors import safe_open

from signals import lufs
from umt_domains import plugin
from umtcli import convert
from umtcli.bundle import read_info
from umtcli.catalog import Catalog

pytestmark = pytest.mark.usefixtures("one_thread")

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sample.flac"
WEIGHTS = sorted(plugin.WEIGHTS.rglob("*.safetensors"))
MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def mono() -> np.ndarray:
    wav_TC, rate = sf.read(SAMPLE, dtype="float32", always_2d=True)
    assert rate == 44_100
    return wav_TC[: 5 * rate + 321].mean(axis=1)


def played(tmp_path: Path, catalog: Catalog, wav_TC: np.ndarray, **options: bool) -> np.ndarray:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    sf.write(source, wav_TC, 44_100, subtype="FLOAT")
    (result,) = convert(
        source,
        "piano",
        out,
        bits=32,
        device="cpu",
        catalog=catalog,
        overwrite=True,
        options=options,
    )
    assert result.error is None
    wav_TC, _ = sf.read(out, dtype="float32", always_2d=True)
    return wav_TC


def level_db(wav_T: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(wav_T, dtype=np.float64)) + 1e-20))


def test_length_and_loudness_are_the_inputs(
    tmp_path: Path, catalog: Catalog, mono: np.ndarray
) -> None:
    out_TC = played(tmp_path, catalog, mono[:, None])
    assert out_TC.shape == (len(mono), 1)
    assert lufs(out_TC, 44_100) == pytest.approx(lufs(mono[:, None], 44_100), abs=1)


@pytest.mark.parametrize("sides", [False, True])
def test_equal_channels_stay_equal(
    tmp_path: Path, catalog: Catalog, mono: np.ndarray, sides: bool
) -> None:
    out_TC = played(tmp_path, catalog, np.stack([mono, mono], 1), sides=sides)
    assert np.array_equal(out_TC[:, 0], out_TC[:, 1])
    assert level_db(out_TC) > -50


@pytest.mark.parametrize("sides", [False, True])
def test_what_is_panned_hard_stays_there(
    tmp_path: Path, catalog: Catalog, mono: np.ndarray, sides: bool
) -> None:
    out_TC = played(tmp_path, catalog, np.stack([mono, 0 * mono], 1), sides=sides)
    assert level_db(out_TC[:, 0]) - level_db(out_TC[:, 1]) > 20


@pytest.mark.parametrize("sides", [False, True])
def test_the_balance_of_the_channels_is_kept(
    tmp_path: Path, catalog: Catalog, mono: np.ndarray, sides: bool
) -> None:
    out_TC = played(tmp_path, catalog, np.stack([mono, 0.4 * mono], 1), sides=sides)
    wanted_db = -20 * np.log10(0.4)
    assert level_db(out_TC[:, 0]) - level_db(out_TC[:, 1]) == pytest.approx(wanted_db, abs=3)


def test_the_same_is_played_again(tmp_path: Path, catalog: Catalog, mono: np.ndarray) -> None:
    wav_TC = np.stack([mono, 0.5 * mono], 1)[:90_000]
    assert np.array_equal(played(tmp_path, catalog, wav_TC), played(tmp_path, catalog, wav_TC))


def test_the_weights_are_small_halves() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS) <= MOST_BYTES
    for path in WEIGHTS:
        with safe_open(path, "np") as file:
            names = file.keys()  # of a handle, which is no mapping to go through
            assert {file.get_slice(name).get_dtype() for name in names} == {"F16"}


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_the_weights_name_the_commit_that_made_them(path: Path) -> None:
    assert re.search(r"at commit [0-9a-f]{7,40}, seed \d+", read_info(path).provenance["recipe"])
