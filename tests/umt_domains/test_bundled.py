"""The shipped piano, on real sound, keeps what the pipeline promises."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from safetensors import safe_open

from noting import Note, notes_in
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


MELODY = tuple(
    Note(0.3 + 0.4 * number, 0.3 + 0.4 * number + 0.36, pitch, 80)
    for number, pitch in enumerate((60, 64, 67, 72, 71, 67, 62, 55, 57, 57, 69, 48))
)


def sung(notes: Iterable[Note], duration_s: float) -> np.ndarray:
    """Eight fading partials a note, (T,)."""
    wav_T = np.zeros(round(duration_s * 44_100))
    for note in notes:
        first, end = round(note.start_s * 44_100), round(note.end_s * 44_100)
        at_s = np.arange(end - first) / 44_100
        hertz = 440 * 2 ** ((note.pitch - 69) / 12)
        partials = [np.sin(2 * np.pi * h * hertz * at_s) / h**1.5 for h in range(1, 9)]
        edge = np.minimum(1, np.minimum(at_s, at_s[-1] - at_s) / 0.005)
        wav_T[first:end] += 0.2 * edge * np.exp(-3 * at_s) * np.sum(partials, axis=0)
    return wav_T


def test_the_notes_of_a_melody_are_written_down(tmp_path: Path, catalog: Catalog) -> None:
    source = tmp_path / "melody.wav"
    sf.write(source, sung(MELODY, 6.0), 44_100)
    results = convert(source, "piano", device="cpu", catalog=catalog, midi=True)
    assert [result.error for result in results] == [None, None]
    heard = notes_in(tmp_path / "melody.mid")
    assert [note.pitch for note in heard] == [note.pitch for note in MELODY]
    for note, written in zip(heard, MELODY, strict=True):
        assert note.start_s == pytest.approx(written.start_s, abs=0.05)
        assert note.end_s == pytest.approx(written.end_s, abs=0.15)
        assert 40 < note.velocity <= 127


def test_the_weights_are_small_halves() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS) <= MOST_BYTES
    for path in WEIGHTS:
        with safe_open(path, "np") as file:
            names = file.keys()  # of a handle, which is no mapping to go through
            assert {file.get_slice(name).get_dtype() for name in names} == {"F16"}


@pytest.mark.parametrize("path", WEIGHTS, ids=lambda path: path.stem)
def test_the_weights_name_the_commit_that_made_them(path: Path) -> None:
    assert re.search(r"at commit [0-9a-f]{7,40}, seed \d+", read_info(path).provenance["recipe"])
