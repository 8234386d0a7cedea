"""The small WaveNet system's music is what its name says: one voice, in its range."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from starter.lines import DOMAINS, SOURCES, STYLE, evaluation, lines
from starter.render import Job


def check_single_line(job: Job) -> None:
    notes = sorted(job.score.notes)
    assert notes
    assert all(STYLE.low <= note.pitch <= STYLE.high for note in notes)
    # a legato overlap of 30 ms is not a second voice
    assert all(a.end_s - b.start_s < 0.031 for a, b in pairwise(notes))


def test_every_piece_is_a_single_line_of_its_own(tmp_path: Path) -> None:
    jobs = [*lines(tmp_path, 3, 1), *evaluation(tmp_path, 2, 20.0, 1)]
    assert len({job.path for job in jobs}) == len(jobs)
    for job in jobs:
        check_single_line(job)
    learned = {job.score for job in jobs if "evaluation" not in job.path.parts[-3]}
    judged = {job.score for job in jobs if "evaluation" in job.path.parts[-3]}
    assert len(learned) == 3 * len(DOMAINS)
    assert len(judged) == 2 * len(SOURCES)
    assert not learned & judged


def test_each_score_is_judged_by_all_domains_truly_played(tmp_path: Path) -> None:
    jobs = list(evaluation(tmp_path, 1, 20.0, 1))
    for source in SOURCES:
        own = [job for job in jobs if job.path.parent.name == f"{source}_0"]
        assert {job.path.stem for job in own} == {source, *DOMAINS}
        assert len({job.score for job in own}) == 1
