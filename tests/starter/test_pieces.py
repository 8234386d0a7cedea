from collections import Counter
from pathlib import Path

from starter import pieces
from starter.instruments import BY_NAME, INSTRUMENTS
from starter.targets import TARGETS

OUT = Path("out")


def test_practice_covers_every_program_with_different_music():
    jobs = list(pieces.practice(OUT, 2, 10.0, seed=1))
    alone = [job for job in jobs if job.path.stem[0].isdigit()]
    played = Counter(job.parts[0].program for job in alone)
    assert played[BY_NAME["piano"].program] == 2
    assert played[BY_NAME["choir"].program] == 4  # speaks slowly
    assert set(played) == set(INSTRUMENTS)
    assert len({job.score.notes for job in jobs}) == len(jobs)
    assert jobs[0].path == OUT / "practice" / "000_0.flac"


def test_practice_has_organs_of_many_stops_and_ensembles():
    jobs = list(pieces.practice(OUT, 1, 10.0, seed=1))
    organs = [job for job in jobs if job.path.stem.startswith("organ")]
    ensembles = [job for job in jobs if job.path.stem.startswith("ensemble")]
    assert len(organs) == len(ensembles) == pieces.SHARE
    assert all(job.parts[0].touch.stops for job in organs)
    assert all(len(job.parts) > 1 for job in ensembles)
    assert all(job.score.notes for job in (*organs, *ensembles))


def test_each_invention_has_music_of_its_own():
    tasks = list(pieces.inventions(OUT, 1, 10.0, seed=1))
    assert len(tasks) == pieces.INVENTED_SHARE
    assert len({task.args[0].notes for task in tasks}) == len(tasks)
    assert len({task.args[2] for task in tasks}) == len(tasks)


def test_drums_and_noises_have_no_notes_to_be_learned():
    jobs = list(pieces.drums(OUT, 2, 10.0, seed=2))
    assert [job.path.stem for job in jobs[:3]] == ["00", "01", "noise-115"]
    for job in jobs:
        assert job.parts[0].score.notes
        assert not job.score.notes


def test_jobs_are_the_same_every_time():
    assert list(pieces.practice(OUT, 1, 5.0, 1)) == list(pieces.practice(OUT, 1, 5.0, 1))


def test_domains_get_the_minutes_asked_for():
    jobs = list(pieces.domains(OUT, minutes=2, seed=3, seconds=30.0))
    counts = Counter(job.path.parent.name for job in jobs)
    assert counts == dict.fromkeys(TARGETS, 4)
    piano = {job.parts[0].program for job in jobs if job.path.parent.name == "piano"}
    assert piano == {0, 1}
