"""The list of cases, and the making of those that need no soundfont."""

from collections import Counter
from pathlib import Path

import pytest
import soundfile as sf

from starter import development
from starter.development import Case, cases, make_source, play, read_list, tasks, write_list
from starter.instruments import BY_NAME
from starter.performance import written
from starter.pieces import practice
from starter.targets import TARGETS
from umt_trainer.midi import read_midi


def test_every_kind_has_its_cases() -> None:
    found = cases(2)
    assert len({case.name for case in found}) == len(found)
    assert Counter(case.kind for case in found) == {
        "clean": 24, "reverb": 12, "mp3": 12, "drums": 12, "mixture": 8, "whistle": 2, "hum": 2,
    }  # fmt: skip


@pytest.mark.parametrize("case", cases(1), ids=lambda case: case.name)
def test_sources_play_what_they_can(case: Case) -> None:
    parts = play(case, 12.0, seed=5)
    assert parts == play(case, 12.0, seed=5)
    assert len(written(parts).notes) >= 4
    assert [part.kind for part in parts if part.kind != "notes"] == (
        ["drums"] if case.kind == "drums" else []
    )
    if case.kind in ("clean", "reverb", "mp3"):
        (part,) = parts
        assert part.program == BY_NAME[case.source].program
    if case.kind == "mixture":
        assert len(parts) == 3
        assert all(len(part.score.notes) > 1 for part in parts)


def test_true_renderings_lie_in_the_range_of_their_domain(tmp_path: Path) -> None:
    todo = list(tasks(tmp_path, cases(1), 10.0, 1, development.SOUNDFONT, list(TARGETS)))
    assert len(todo) == len(cases(1)) * (1 + len(TARGETS))
    jobs = [task.args[0] for task in todo if len(task.args) == 1]
    for job in jobs:
        target = TARGETS[job.path.stem]
        assert all(target.low <= note.pitch <= target.high for note in job.score.notes)


def test_no_score_is_practice_music(tmp_path: Path) -> None:
    practised = {job.score.notes for job in practice(tmp_path, 1, 12.0, seed=1)}
    assert not practised & {written(play(case, 12.0, seed=1)).notes for case in cases(1)}


def test_a_whistle_is_made_with_its_score_and_not_again(tmp_path: Path) -> None:
    case = Case("whistle-0", "whistle", "whistle")
    parts = play(case, 6.0, seed=2)
    assert make_source(case, parts, tmp_path, development.SOUNDFONT, seed=2)
    assert not make_source(case, parts, tmp_path, development.SOUNDFONT, seed=2)
    assert sf.info(case.audio(tmp_path)).duration == 6.0
    assert len(read_midi(case.score(tmp_path))) == len(parts[0].score.notes)
    assert sorted(p.name for p in case.folder(tmp_path).iterdir()) == ["score.mid", "source.flac"]


def test_the_list_comes_back(tmp_path: Path) -> None:
    write_list(tmp_path, cases(1))
    assert read_list(tmp_path) == cases(1)
