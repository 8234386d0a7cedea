"""The network's windows become one row of notes, at the times at which they sound."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tunes import RATE, sound
from umt_trainer.score import transcriber
from umt_trainer.score.transcriber import BasicPitch, TranscriberMissing, windows
from umtcli.errors import UmtError

KEY = 48  # A440


class Loudness:
    """Stands for the network: A440 sounds where its window does."""

    def __init__(self, path: str, providers: list[str]) -> None:
        self.path = path

    def run(self, names: list[str], inputs: dict[str, Any]) -> list[Any]:
        (window,) = inputs.values()
        assert window.shape == (1, 43_844, 1)
        assert window.dtype == np.float32
        frames = np.pad(window[0, :, 0], (0, 172 * 256 - 43_844)).reshape(172, 256)
        note, onset = np.zeros((2, 1, 172, 88), np.float32)
        note[0, :, KEY] = np.abs(frames).max(1) > 0.1
        onset[0, 1:, KEY] = np.diff(note[0, :, KEY]) > 0
        return [{":1": note, ":2": onset}[name[-2:]] for name in names]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace(InferenceSession=Loudness))
    return tmp_path / "nmp.onnx"


def test_notes_are_where_they_sound_over_many_windows(network: Path) -> None:
    beginnings = np.arange(0.3, 20, 0.61)
    wav = np.zeros(21 * RATE, np.float32)
    for start_s in beginnings:
        wav[round(start_s * RATE) : round((start_s + 0.3) * RATE)] = 0.5
    notes = BasicPitch(network)(sound(wav))
    assert {note.pitch for note in notes} == {69}
    # frames are 11.6 ms, and a window's edge is corrected only at every 172nd
    assert [note.start_s for note in notes] == pytest.approx(beginnings.tolist(), abs=0.03)
    assert [note.end_s for note in notes] == pytest.approx((beginnings + 0.3).tolist(), abs=0.03)


def test_the_last_note_is_not_cut_off(network: Path) -> None:
    wav = np.zeros(60 * RATE, np.float32)
    wav[round(59.5 * RATE) :] = 0.5
    (note,) = BasicPitch(network)(sound(wav))
    assert note.start_s == pytest.approx(59.5, abs=0.03)
    assert note.end_s == pytest.approx(60, abs=0.05)


@pytest.mark.parametrize("num_samples", [1, 36_163, 36_164, 36_165, 100_000])
def test_windows_hold_every_sample_behind_half_an_overlap(num_samples: int) -> None:
    wav = np.arange(1, num_samples + 1, dtype=np.float32)
    parts = list(windows(wav))
    assert {len(part) for part in parts} == {43_844}
    inner = np.concatenate([part[15 * 256 : 15 * 256 + 36_164] for part in parts])
    assert np.array_equal(inner[:num_samples], wav)


def test_without_onnxruntime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(TranscriberMissing, match=r"pip install 'umtcli\[score\]'"):
        BasicPitch()


def test_without_the_network_it_says_what_to_install(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcriber, "find_spec", lambda _: None)
    with pytest.raises(TranscriberMissing, match="--no-deps basic-pitch"):
        BasicPitch()


def test_the_installed_packages_network_is_used_without_importing_it(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "basic_pitch"
    model = package / "saved_models" / "icassp_2022" / "nmp.onnx"
    model.parent.mkdir(parents=True)
    model.touch()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert BasicPitch()._session.path == str(model)


def test_another_file_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(path: str, providers: list[str]) -> None:
        raise ValueError(f"[ONNXRuntimeError] {path}\nfailed")

    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace(InferenceSession=refuse))
    with pytest.raises(UmtError, match=r"song\.wav is no network") as caught:
        BasicPitch(tmp_path / "song.wav")
    assert len(str(caught.value).splitlines()) == 1
