"""Several worker processes share one queue: the fast do more, and no death loses anything."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from conversions import MakeCatalog, bytes_of
from signals import noise, write
from slow import PUSHES_A_SONG, DyingFamily, SlowFamily, num_pushes
from stuck import StuckFamily
from umtcli.catalog import Catalog
from umtcli.errors import UsageError, WorkerDied
from umtcli.pipeline import Request, convert, run
from umtcli.pipeline.events import Event, JobStarted

RATE = 8_000
pytestmark = pytest.mark.usefixtures("no_process_is_left")


def songs(folder: Path, number: int) -> list[Path]:
    return [write(folder / f"{n}.wav", noise(0.2, RATE, 1)[n:], RATE) for n in range(number)]


def ask(inputs: list[Path], to: str = "high") -> Request:
    out = inputs[0].parent / "out"
    return Request(tuple(map(str, inputs)), (to,), f"{out}/", device="cpu,cpu")


def test_a_worker_that_is_four_times_slower_gets_a_quarter_at_most(
    tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    inputs = songs(tmp_path, 48)
    results = run(ask(inputs), make_catalog(SlowFamily(tmp_path, 4, len(inputs))))
    assert all(result.ok for result in results)
    slow, fast = num_pushes(tmp_path, 4), num_pushes(tmp_path, 1)
    assert slow + fast == PUSHES_A_SONG * len(inputs)
    assert 0 < slow <= PUSHES_A_SONG * len(inputs) / 4


def test_the_work_of_a_killed_worker_is_done_again(
    tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    inputs = songs(tmp_path, 6)
    started: Counter[str] = Counter()

    def listen(event: Event) -> None:
        if isinstance(event, JobStarted):
            started[str(event.job)] += 1

    catalog = make_catalog(DyingFamily(tmp_path))
    made = bytes_of(run(ask(inputs), catalog, listen))
    assert max(started.values()) == 2  # somebody's was begun again
    assert not list((tmp_path / "out").glob("*.part"))
    assert made == bytes_of(convert(inputs, "high", tmp_path / "here", catalog=catalog))


def test_a_job_that_kills_every_worker_is_found_out(
    tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    results = run(ask(songs(tmp_path, 1)), make_catalog(StuckFamily(killed=True)))
    assert isinstance(results[0].error, WorkerDied)
    assert "ended its worker process (signal 9)" in str(results[0].error)
    assert [path.name for path in (tmp_path / "out").iterdir()] == []


def test_pipes_have_one_device(tmp_path: Path, catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="Several devices are for files"):
        run(Request(("-",), ("low",), "out.wav", device="cpu,cpu"), catalog)


@pytest.mark.parametrize("device", ["cpu,", "cpu,gpu", ","])
def test_what_is_no_device_is_refused(tmp_path: Path, catalog: Catalog, device: str) -> None:
    (song,) = songs(tmp_path, 1)
    with pytest.raises(UsageError, match="--device takes"):
        run(Request((str(song),), ("low",), device=device), catalog)
