"""Several files are in flight: in one call where that helps, side by side where it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from torch import Tensor

from conversions import MakeCatalog, bytes_of, each_alone
from signals import noise, write
from umtcli.catalog import Catalog
from umtcli.pipeline import Request, Result, convert
from umtcli.pipeline.events import Event, JobFinished, JobStarted, ignore
from umtcli.pipeline.jobs import Job
from umtcli.pipeline.ledger import Ledger
from umtcli.pipeline.machines import Machines
from umtcli.pipeline.networks import FEW_FILES
from umtcli.pipeline.planning import plan
from umtcli.pipeline.runner import Runner
from umtcli.pipeline.scheduler import Scheduler
from watched import PATIENCE_S, Gathering, Watched, WatchedFamily

RATE = 8_000


def test_files_are_pushed_together_and_come_out_as_if_alone(
    songs: list[Path], make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")  # files are heard while the first push waits
    family = Gathering(len(songs))
    catalog = make_catalog(family)
    results = convert(songs, "low", songs[0].parent / "out", catalog=catalog)
    together = bytes_of(results)
    assert max(family.sizes) == len(songs)
    assert together == each_alone(songs, catalog)


class SideBySide(WatchedFamily):
    """Each push waits until another one is at work."""

    batches = False

    def __init__(self) -> None:
        self.pair = threading.Barrier(2)
        self.objects: set[int] = set()

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        assert len(blocks) == 1
        self.objects.add(id(streams))
        if len(self.objects) <= 2:
            self.pair.wait(PATIENCE_S)


def test_files_whose_streams_gain_nothing_together_are_at_work_side_by_side(
    songs: list[Path], make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")
    family = SideBySide()
    catalog = make_catalog(family)
    pair = [songs[0], songs[1]]
    assert len(bytes_of(convert(pair, "low", songs[0].parent / "out", catalog=catalog))) == 2
    assert len(family.objects) == 2


def test_few_files_are_open_at_a_time(tmp_path: Path, catalog: Catalog) -> None:
    songs = [write(tmp_path / f"{n}.wav", noise(0.1, RATE, 1), RATE) for n in range(3 * FEW_FILES)]
    now, most = 0, 0

    def listen(event: Event) -> None:
        nonlocal now, most
        now += isinstance(event, JobStarted) - isinstance(event, JobFinished)
        most = max(most, now)

    bytes_of(convert(songs, "low", tmp_path / "out", catalog=catalog, listener=listen))
    assert 1 <= most <= FEW_FILES


class Fallible(Gathering):
    """Fails in its first push, which comes when so many files were heard."""

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        first = not self.sizes
        super().look(streams, blocks)
        if first:
            raise RuntimeError("not all at once")


def test_jobs_are_begun_again_while_the_next_one_is_waited_for(
    songs: list[Path], make_catalog: MakeCatalog
) -> None:
    """As in a worker whose parent has nothing more to give until all is done."""
    all_done = threading.Event()
    catalog = make_catalog(Fallible(len(songs)))
    request = Request(tuple(map(str, songs)), ("low",), f"{songs[0].parent}/out/")
    runner = Runner(request, Machines(catalog, "cpu"), Ledger(request), ignore, num_threads=2)

    def jobs() -> Iterator[Job]:
        yield from plan(request, catalog)
        assert all_done.wait(PATIENCE_S)

    results: list[Result] = []
    with closing(Scheduler(runner).run(jobs())) as running:
        for done in running:
            results += done.results
            if len(results) == len(songs):
                all_done.set()
    results.sort(key=lambda result: result.input)
    assert bytes_of(results) == each_alone(songs, catalog)
