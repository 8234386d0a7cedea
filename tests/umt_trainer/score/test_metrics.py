"""Metrics of tunes whose answers are known, beside both baselines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tunes import RATE, hear_sines, sines, sound, tune
from umt_trainer.score.metrics import METRICS, RECOGNISED, Case, Values, measure

PITCHES = [60, 64, 67, 72, 67, 64, 62, 60]
WRONG = [60, 64, 67, 72, 68, 65, 62, 60]  # two of eight
SCORE = tune(PITCHES)
PIANO, VIOLIN = (0.5, 0.3, 0.2), (0.1,)


@pytest.fixture
def case() -> Case:
    """Two notes of eight are wrong, it is 6 dB too soft and its timbre lies between both."""
    return Case(
        translation=sound(sines(tune(WRONG), overtones=(0.4, 0.2), level=0.1)),
        source=sound(sines(SCORE, VIOLIN)),
        true=sound(sines(SCORE, PIANO)),
        written=SCORE,
    )


def measured(case: Case, transcribing: bool = True) -> dict[str, Values]:
    found = measure(case, hear_sines if transcribing else None)
    return {metric.name: values for metric, values in found.items()}


def test_notes_are_compared_with_the_score(case: Case) -> None:
    found = measured(case)
    for name in ("note_precision", "note_recall", "note_f1"):
        assert found[name] == {"translation": 0.75, "source": 1.0, "true": 1.0}
    assert found["note_f1_share"] == {"translation": 0.75}


def test_the_share_is_of_what_is_heard_in_the_true_rendering(case: Case) -> None:
    badly_heard = replace(case, true=sound(sines(tune([60, 64, 67, 72, 1, 1, 1, 1]), PIANO)))
    assert measured(badly_heard)["note_f1_share"]["translation"] == pytest.approx(0.75 / 0.5)


def test_without_a_score_notes_are_those_of_the_true_rendering(case: Case) -> None:
    found = measured(replace(case, written=None))
    assert found["note_f1"] == {"translation": 0.75, "source": 1.0, "true": 1.0}
    assert "note_f1_share" not in found


def test_with_nothing_else_notes_are_those_of_the_source(case: Case) -> None:
    assert measured(Case(case.translation, case.source))["note_f1"] == {
        "translation": 0.75,
        "source": 1.0,
    }


def test_without_a_transcriber_the_rest_is_measured(case: Case) -> None:
    names = [metric.name for metric in METRICS if metric is not RECOGNISED]
    assert list(measured(case)) == names
    assert list(measured(case, transcribing=False)) == names[4:]


def test_pitch_content_is_compared_with_the_sources(case: Case) -> None:
    found = measured(case)
    assert found["chroma_ncc"]["source"] == pytest.approx(1)
    assert found["chroma_ncc"]["true"] > 0.95 > found["chroma_ncc"]["translation"] > 0.6
    assert found["chroma_dtw"]["source"] == pytest.approx(0, abs=1e-9)
    assert found["chroma_dtw"]["true"] < found["chroma_dtw"]["translation"]


def test_pitch_is_compared_with_the_sources(case: Case) -> None:
    found = measured(case)
    assert found["pitch_ncc"]["source"] == pytest.approx(1)
    assert found["pitch_ncc"]["true"] > 0.95
    assert found["pitch_dtw"]["source"] == 0
    assert found["pitch_dtw"]["true"] < 0.01 < found["pitch_dtw"]["translation"] < 0.1


def test_the_domain_is_recognised_on_every_side(case: Case) -> None:
    known = {id(case.translation): 0.75, id(case.source): 0.0, id(case.true): 1.0}
    found = measure(case, recognise=lambda sound: known[id(sound)])
    assert found[RECOGNISED] == {"translation": 0.75, "source": 0.0, "true": 1.0}


def test_timbre_is_compared_with_the_true_rendering(case: Case) -> None:
    found = measured(replace(case, translation=sound(sines(SCORE, (0.5, 0.3)))))
    distance = found["log_mel_distance"]
    assert distance["true"] == 0 < distance["translation"] < distance["source"]
    share = found["log_mel_share"]["translation"]
    assert share == pytest.approx(distance["translation"] / distance["source"])


def test_loudness_is_compared_with_the_sources(case: Case) -> None:
    softer = sound(case.source.wav / 2)
    found = measured(replace(case, translation=softer))["loudness_difference"]
    assert found["source"] == 0
    assert found["translation"] == pytest.approx(20 * np.log10(2), abs=0.01)


def test_onsets_are_counted_against_the_score(case: Case) -> None:
    half = sound(sines(tune(PITCHES[:4]), PIANO))
    found = measured(replace(case, translation=half))["onset_error"]
    assert found == {"translation": 0.5, "source": 0.0, "true": 0.0}
    assert measured(Case(half, case.source))["onset_error"]["translation"] == 0.5


def test_clicks_are_counted_on_each_side(case: Case) -> None:
    wav = case.translation.wav.copy()
    wav[[20_000, 40_000, 60_000]] += 0.1
    found = measured(replace(case, translation=sound(wav)))["clicks"]
    assert found == {"translation": 3, "source": 0, "true": 0}


def test_silence_is_measured_as_far_as_it_can_be(case: Case) -> None:
    silent = sound(np.zeros(4 * RATE, np.float32))
    found = measured(replace(case, translation=silent))
    assert found["note_f1"]["translation"] == 0
    assert found["chroma_ncc"]["translation"] == 0
    assert found["onset_error"]["translation"] == 1
    assert found["loudness_difference"]["translation"] == np.inf
    assert "log_mel_share" not in found
    nothing = measured(Case(silent, silent))
    assert "note_f1" not in nothing  # no notes to be found
    assert nothing["loudness_difference"] == {"translation": 0, "source": 0}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_worse_is_less_or_more_as_the_metric_says(metric: object) -> None:
    less_is_worse = metric.better == "more"
    assert metric.is_worse(0.4, 0.5) == less_is_worse
    assert metric.is_worse(0.6, 0.5) == (not less_is_worse)
    assert not metric.is_worse(0.5, 0.5)
