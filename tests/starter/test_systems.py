"""Whole systems are judged beside what they were given and what they should give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import umt_domains
from starter import systems
from starter.lines import DOMAINS, pieces
from starter.measuring import catalog_of
from starter.probing import probe
from starter.score import Score, write_midi
from starter.systems import chance, judge_all
from starter.whistling import SAMPLE_RATE, whistle
from tunes import hear_sines
from umt_trainer.midi import Note as Written
from umt_trainer.score.notes import Note
from umtcli.errors import TrainingError
from umtcli.pipeline.device import torch_threads


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Probes are small: threads that wait for each other would take far longer."""
    with torch_threads(1):
        yield


WEIGHTS = Path(umt_domains.__path__[0]) / "weights"


def tune(first: int) -> Score:
    return Score(tuple(Written(k / 2, k / 2 + 0.48, first + k, 110) for k in range(8)), 4.0)


def instrument(name: str, score: Score) -> np.ndarray:
    """A whistle with overtones of its own."""
    wav = whistle(score, 1)
    return {"guitar": np.tanh(8 * wav), "clarinet": np.sign(wav) * wav**2}.get(name, wav)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pieces of every domain to learn from, and one of one domain to be judged by."""
    folder = tmp_path_factory.mktemp("systems")
    for name in DOMAINS:
        for k in range(2):
            write(folder / "lines" / name / f"{k:02d}.flac", name, tune(72 + k))
    for name in DOMAINS:
        write(folder / "lines-evaluation" / "piano_0" / f"{name}.flac", name, tune(73))
    write_midi(tune(73), folder / "lines-evaluation" / "piano_0" / "score.mid")
    return folder


def write(path: Path, name: str, score: Score) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, 0.9 * instrument(name, score), SAMPLE_RATE)
    write_midi(score, path.with_suffix(".mid"))


def test_a_system_is_measured_beside_copy_and_truth(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "BasicPitch", lambda path: hear_sines)
    told: list[tuple[int, int]] = []
    text = judge_all(out, {"bundled": WEIGHTS}, 1, None, lambda *numbers: told.append(numbers))
    assert told == [(1, 3), (2, 3), (3, 3)]
    rows = [json.loads(line) for line in (out / "lines-rows.jsonl").read_text().splitlines()]
    assert {row["domain"] for row in rows} == set(DOMAINS)
    for row in rows:
        assert row["note_f1_source"] == 1  # of a whistle that sounds as the score says
        assert row["log_mel_distance_true"] == 0 < row["log_mel_distance"]
        assert row["chance_f1"] == 0  # there is no other piece to agree with
    (own,) = [row for row in rows if row["domain"] == "piano"]
    assert own["log_mel_distance_source"] == 0  # the source is the true rendering
    # one table for what is translated, one for what is played again
    assert text.count("| bundled |") == 3
    assert "The recogniser is right on 3 of 3 true renderings, and on " in text


def test_latents_that_tell_notes_are_found_to_tell_them(out: Path) -> None:
    told = probe(out, systems.encoder(catalog_of(WEIGHTS)), 1)
    assert told.pitch > 0.8  # of nine pitches, by an encoder of notes


def test_chance_is_what_other_scores_agree_with() -> None:
    heard = [Note(0, 1, 60), Note(1, 2, 62)]
    assert chance(heard, [heard, [Note(5, 6, 70)]]) == pytest.approx(0.5)
    assert chance(heard, []) == 0


def test_what_is_missing_is_named_with_the_step_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="python -m starter lines"):
        pieces(tmp_path)
    with pytest.raises(TrainingError, match="has not enough music"):
        systems.line_recogniser(tmp_path, 1)


def test_a_recogniser_that_learned_in_noise_is_not_misled_by_it(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that learned in none to speak of is."""

    def right(learned_db: float) -> list[bool]:
        monkeypatch.setattr(systems, "NOISE_DB", (learned_db, learned_db))
        recogniser, random = systems.line_recogniser(out, 1), np.random.default_rng(2)
        heard = ((name, systems.noisy(x, -30.0, random)) for name, x in systems.true_lines(out))
        return [recogniser.recognise(x) == name for name, x in heard]

    assert all(right(-30.0))
    assert not all(right(-200.0))


def test_noise_is_as_loud_as_asked(out: Path) -> None:
    (_, sound), *_ = systems.true_lines(out)
    added = systems.noisy(sound, -20.0, np.random.default_rng(2)).wav - sound.wav
    ratio = np.sqrt(np.mean(added**2) / np.mean(np.square(sound.wav)))
    assert ratio == pytest.approx(0.1, rel=0.02)
