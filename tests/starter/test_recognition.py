"""Teaching the recogniser, on domains that are sines and noises."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from starter import recognition
from starter.recognition import load, train_recogniser, try_out
from umt_trainer.score.sound import load_sound
from umtcli.errors import TrainingError

RATE = 22_050


def music(domain: str, seed: int) -> np.ndarray:
    """Random notes: as sines, with overtones, or as noises that fade away."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(RATE // 2) / RATE
    notes = []
    for _ in range(24):
        turns = 2 * np.pi * 440 * 2 ** (rng.integers(-12, 12) / 12) * time_s
        fading = np.exp(-5 * time_s)
        notes.append(
            {
                "flute": np.sin(turns) * np.minimum(1, 10 * time_s),
                "organ": sum(np.sin(k * turns) for k in range(1, 9)) / 3,
                "marimba": fading * rng.normal(0, 1, len(time_s)),
            }[domain]
        )
    return 0.2 * np.concatenate(notes) + rng.normal(0, 1e-4, 24 * len(time_s))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    for domain in ("flute", "organ", "marimba"):
        (tmp_path / "domains" / domain).mkdir(parents=True)
        for k in range(2):
            path = tmp_path / "domains" / domain / f"{k}.flac"
            sf.write(path, music(domain, k), RATE)
    return tmp_path


def test_it_recognises_other_music_of_the_same_domains(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "STEPS", 100)
    seen: list[str] = []
    path = train_recogniser(out, seed=1, advance=seen.append)
    assert {"flute", "organ", "marimba", "piano"} <= set(seen)
    tested = []
    for domain in ("flute", "organ", "marimba"):
        sf.write(tmp_path / "other.flac", music(domain, 9), RATE)
        tested.append((domain, load_sound(tmp_path / "other.flac")))
    trial = try_out(load(out), tested)
    assert (trial.num_right, trial.num_files, trial.accuracy) == (3, 3, 1.0)
    wrong = try_out(load(out), [("piano", sound) for _, sound in tested])
    assert wrong.accuracy == 0
    assert set(wrong.mistaken["piano"]) == {"flute", "organ", "marimba"}
    before = path.read_bytes()
    train_recogniser(out, seed=1, advance=seen.append)
    assert path.read_bytes() == before  # the same seed gives the same weights


def test_one_domain_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the music of 0 domains.*starter domains"):
        train_recogniser(tmp_path, seed=1, advance=lambda _: None)
    with pytest.raises(TrainingError, match=r"recogniser\.safetensors is missing"):
        load(tmp_path)
