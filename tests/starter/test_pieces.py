from collections import Counter
from pathlib import Path

from starter import pieces
from starter.instruments import BY_NAME, INSTRUMENTS
from starter.score import Note

OUT = Path("out")


def test_practice_covers_every_program_with_different_music():
    jobs = list(pieces.practice(OUT, 2, 10.0, seed=1))
    played = Counter(job.program for job in jobs)
    assert played[BY_NAME["piano"].program] == 2
    assert played[BY_NAME["choir"].program] == 4  # speaks slowly
    assert set(played) == set(INSTRUMENTS)
    assert len({job.score.notes for job in jobs}) == len(jobs)
    assert jobs[0].path == OUT / "practice" / "000_0.flac"


def test_jobs_are_the_same_every_time():
    assert list(pieces.practice(OUT, 1, 5.0, 1)) == list(pieces.practice(OUT, 1, 5.0, 1))


def test_domains_get_the_minutes_asked_for():
    jobs = list(pieces.domains(OUT, minutes=2, seed=3, seconds=30.0))
    assert [job.path.parent.name for job in jobs] == ["piano"] * 4 + ["strings"] * 4 + ["organ"] * 4
    assert {job.program for job in jobs} == {0, 1, 48, 49, 19}


def test_evaluation_scores_fit_their_source_and_every_target():
    jobs = list(pieces.evaluation(OUT, 1, 10.0, seed=9001))
    by_folder: dict[Path, set[tuple[Note, ...]]] = {}
    for job in jobs:
        by_folder.setdefault(job.path.parent, set()).add(job.score.notes)
        style = BY_NAME[job.path.stem].style
        assert all(style.low <= note.pitch <= style.high for note in job.score.notes)
    assert len(by_folder) == len(pieces.SOURCES)
    assert all(len(scores) == 1 for scores in by_folder.values())
    assert {job.path.stem for job in jobs if job.path.parent.name == "flute_0"} == {
        *("flute", "piano", "strings", "organ")
    }


def test_evaluation_music_is_not_practice_music():
    practised = {job.score.notes for job in pieces.practice(OUT, 1, 10.0, seed=9001)}
    assert not practised & {job.score.notes for job in pieces.evaluation(OUT, 1, 10.0, seed=9001)}
