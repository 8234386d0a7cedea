"""The recogniser's features on known signals, and its votes with weights written by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tunes import RATE, sines, sound, tune
from umt_trainer.score.recogniser import (
    EXCERPT_FRAMES,
    HOP,
    NUM_BANDS,
    NUM_FEATURES,
    Recogniser,
    features,
    load_recogniser,
)
from umtcli.errors import UmtError

MUSIC = sines(tune([60, 64, 67, 72, 60, 64, 67, 72, 60, 64, 67, 72, 60, 64, 67, 72]), (0.5, 0.3))


def test_excerpts_of_three_seconds_overlap_by_half() -> None:
    step_s = EXCERPT_FRAMES * HOP / RATE / 2
    wanted = 1 + int((len(MUSIC) / RATE - 2 * step_s) / step_s)
    assert features(MUSIC).shape == (wanted, NUM_FEATURES)
    assert features(MUSIC[: RATE // 2]).shape == (1, NUM_FEATURES)


def test_level_changes_nothing() -> None:
    assert features(MUSIC * np.float32(0.01)) == pytest.approx(features(MUSIC), abs=0.05)


def test_silence_is_not_looked_at() -> None:
    assert features(np.zeros(4 * RATE, np.float32)).shape == (0, NUM_FEATURES)
    rest = np.concatenate([MUSIC, np.zeros(8 * RATE, np.float32)])
    assert len(features(rest)) <= len(features(MUSIC)) + 2
    assert features(np.zeros(0, np.float32)).shape == (0, NUM_FEATURES)


def test_a_steady_sine_varies_in_no_band_and_a_beating_one_does() -> None:
    time_s = np.arange(6 * RATE) / RATE
    steady = 0.3 * np.sin(2 * np.pi * 1000 * time_s).astype(np.float32)
    beating = steady * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * time_s)).astype(np.float32)
    inside = slice(NUM_BANDS, 2 * NUM_BANDS)
    # the first excerpt holds the sine's beginning
    assert features(steady)[1, inside].max() < 0.1
    assert features(beating)[1, inside].max() > 4


def test_strokes_rise_more_suddenly_than_they_fall() -> None:
    time_s = np.arange(6 * RATE) / RATE
    strokes = (0.3 * np.exp(-6 * (time_s % 0.5)) * np.sin(2 * np.pi * 1000 * time_s)).astype("f4")
    row = features(strokes)[1]
    loudest = int(row[:NUM_BANDS].argmax())
    fall, rise = row[2 * NUM_BANDS + loudest], row[3 * NUM_BANDS + loudest]
    assert rise > 1
    assert -2.5 < fall < 0  # 6 nepers a second are 1.2 dB a frame


def by_brightness() -> dict[str, np.ndarray]:
    """Weights that call a sound bright if its upper bands are louder than its lower ones."""
    first = np.zeros((2, NUM_FEATURES))
    first[0, : NUM_BANDS // 2], first[1, NUM_BANDS // 2 : NUM_BANDS] = 1, 1
    return {
        "mean": np.full(NUM_FEATURES, -60.0), "scale": np.ones(NUM_FEATURES),
        "weight_1": first, "bias_1": np.zeros(2), "weight_2": 0.01 * np.eye(2),
        "bias_2": np.zeros(2),
    }  # fmt: skip


def tone(hertz: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(4 * RATE) / RATE)


def test_a_file_is_recognised_by_all_its_excerpts() -> None:
    ear = Recogniser(("dark", "bright"), by_brightness())
    assert ear.recognise(sound(tone(200))) == "dark"
    assert ear.recognise(sound(tone(6000))) == "bright"
    assert ear.share(sound(tone(6000)), "bright") == 1
    assert ear.share(sound(tone(6000)), "dark") == 0
    assert ear.chances(sound(tone(200))).sum(1) == pytest.approx(1)


def test_nothing_is_recognised_in_silence() -> None:
    ear = Recogniser(("dark", "bright"), by_brightness())
    silent = sound(np.zeros(4 * RATE))
    assert ear.recognise(silent) is None
    assert ear.share(silent, "dark") == 0


def test_a_recogniser_comes_back_from_its_file(tmp_path: Path) -> None:
    tensors = {name: tensor.astype("f4") for name, tensor in by_brightness().items()}
    path = tmp_path / "ear.safetensors"
    save_file(tensors, path, metadata={"domains": json.dumps(["dark", "bright"])})
    loaded = load_recogniser(path)
    assert loaded.domains == ("dark", "bright")
    assert loaded.recognise(sound(tone(200))) == "dark"


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"x": np.zeros(2, "f4")}, other)
    text = tmp_path / "text"
    text.write_text("no")
    for path in (other, text):
        with pytest.raises(UmtError, match="is no recogniser"):
            load_recogniser(path)
    tensors = {name: tensor.astype("f4") for name, tensor in by_brightness().items()}
    sizes = {"mean": np.zeros(2, "f4"), "weight_1": np.zeros((3, NUM_FEATURES), "f4")}
    for name, tensor in sizes.items():
        save_file(tensors | {name: tensor}, other, metadata={"domains": '["dark", "bright"]'})
        with pytest.raises(UmtError, match="is no recogniser"):
            load_recogniser(other)
    save_file(tensors, other, metadata={"domains": '["dark", "bright", "neither"]'})
    with pytest.raises(UmtError, match="is no recogniser"):
        load_recogniser(other)
    with pytest.raises(UmtError, match="there is no such file"):
        load_recogniser(tmp_path / "missing")
