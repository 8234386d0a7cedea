"""A Ray cluster does the same jobs, with the same results, and survives its actors."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conversions import MakeCatalog, bytes_of
from signals import noise, write
from slow import DyingFamily
from umtcli.catalog import Catalog
from umtcli.errors import DecodeError, UsageError
from umtcli.pipeline import Limits, Request, convert, run
from umtcli.pipeline.events import Event, JobFinished, JobStarted

TESTS = Path(__file__).parents[2]
RATE = 8_000


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """A cluster of this machine, with room for two actors."""
    found = pytest.importorskip("ray", reason="Ray is not installed: pip install 'umtcli[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        # actors import the toy by its name
        patch.setenv("PYTHONPATH", f"{TESTS}:{TESTS.parent}")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        found.init(
            address="local", num_cpus=2, include_dashboard=False, log_to_driver=False,
            object_store_memory=80 << 20,
        )  # fmt: skip
        yield found
        found.shutdown()


def songs(folder: Path, number: int) -> list[Path]:
    return [write(folder / f"{n}.wav", noise(0.2, RATE, 1)[n:], RATE) for n in range(number)]


def ask(inputs: list[Path], **more: Any) -> Request:
    """Into the folder `out`; names are relative to the folder that one is in."""
    return Request(tuple(map(str, inputs)), ("high",), "out/", cluster="auto", **more)


@pytest.mark.usefixtures("ray")
def test_an_actor_that_is_killed_costs_nothing_but_time(
    tmp_path: Path, make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = songs(tmp_path, 6)
    bad = tmp_path / "bad.wav"
    bad.write_text("no music")
    events: list[Event] = []
    monkeypatch.chdir(tmp_path)
    catalog = make_catalog(DyingFamily(tmp_path))
    *made, failed = run(ask([*(Path(path.name) for path in inputs), bad]), catalog, events.append)
    assert isinstance(failed.error, DecodeError)
    kinds = Counter(type(event) for event in events)
    assert kinds[JobFinished] == 7
    assert kinds[JobStarted] >= 6
    assert not list((tmp_path / "out").glob("*.part"))
    together = bytes_of(made)
    again = run(ask([Path(path.name) for path in inputs]), catalog)
    assert {result.state for result in again} == {"skipped"}
    assert together == bytes_of(convert(inputs, "high", tmp_path / "here", catalog=catalog))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"device": "cpu,cpu"}, "one --device"),
        ({"limits": Limits(timeout_s=1)}, "no --timeout"),
        ({"output": "-"}, "--cluster is for files"),
    ],
)
def test_what_a_cluster_does_not_do_is_refused(
    tmp_path: Path, catalog: Catalog, request_: dict[str, Any], said: str
) -> None:
    (song,) = songs(tmp_path, 1)
    with pytest.raises(UsageError, match=said):
        run(Request((str(song),), ("low",), cluster="auto", **request_), catalog)


def test_without_ray_one_is_told_how_to_get_it(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    (song,) = songs(tmp_path, 1)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"umtcli\[ray\]"):
        run(Request((str(song),), ("low",), cluster="auto"), catalog)
