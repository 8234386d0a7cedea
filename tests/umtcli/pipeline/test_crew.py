"""Several worker processes share one queue: the fast do more, and no death loses anything."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import pytest

from conversions import MakeCatalog, bytes_of
from signals import noise, write
from slow import SlowFamily
from stuck import StuckFamily
from umtcli.catalog import Catalog
from umtcli.errors import UsageError, WorkerDied
from umtcli.pipeline import Request, convert, run
from umtcli.pipeline.events import Event, JobStarted

RATE = 8_000


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []
    # multiprocessing keeps one for as long as its parent lives
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]  # it has no other way


def songs(folder: Path, number: int) -> list[Path]:
    return [write(folder / f"{n}.wav", noise(0.2, RATE, 1)[n:], RATE) for n in range(number)]


def ask(inputs: list[Path], to: str = "high") -> Request:
    out = inputs[0].parent / "out"
    return Request(tuple(map(str, inputs)), (to,), f"{out}/", device="cpu,cpu")


def test_a_worker_that_is_four_times_slower_gets_a_quarter_at_most(
    tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    inputs = songs(tmp_path, 48)
    results = run(ask(inputs), make_catalog(SlowFamily(tmp_path, factor=4)))
    assert all(result.ok for result in results)
    # two pushes a song: its block, and what the encoder kept back
    by_factor = Counter(line.split()[1] for line in (tmp_path / "log").read_text().splitlines())
    assert sum(by_factor.values()) == 2 * len(inputs)
    assert 0 < by_factor["4"] <= 2 * len(inputs) / 4


def test_the_work_of_a_killed_worker_is_done_again(
    tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    inputs = songs(tmp_path, 6)
    started: Counter[str] = Counter()

    def listen(event: Event) -> None:
        if isinstance(event, JobStarted):
            started[str(event.job)] += 1

    catalog = make_catalog(SlowFamily(tmp_path, dies=True))
    made = bytes_of(run(ask(inputs), catalog, listen))
    assert max(started.values()) == 2  # somebody's was begun again
    assert not list((tmp_path / "out").glob("*.part"))
    assert made == bytes_of(convert(inputs, "high", tmp_path / "here", catalog=catalog))


def test_a_job_that_kills_every_worker_is_found_out(
    tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    results = run(ask(songs(tmp_path, 1)), make_catalog(StuckFamily(killed=True)))
    with pytest.raises(WorkerDied, match=r"ended its worker process \(signal 9\)"):
        raise results[0].error  # type: ignore[misc]  # an error it is, says the line above
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


def test_pipes_have_one_device(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="Several devices are for files"):
        run(Request(("-",), ("low",), "out.wav", device="cpu,cpu"), catalog)


@pytest.mark.parametrize("device", ["cpu,", "cpu,gpu", ","])
def test_what_is_no_device_is_refused(tmp_path: Path, catalog: Catalog, device: str) -> None:
    (song,) = songs(tmp_path, 1)
    with pytest.raises(UsageError, match="--device takes"):
        run(Request((str(song),), ("low",), device=device), catalog)
