"""What gets stuck or crashes ends its worker, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversions import MakeCatalog
from signals import noise, write
from stuck import StuckFamily
from toy import ToyFamily
from umtcli.catalog import Catalog
from umtcli.errors import DecodeError, JobTimeout, PluginError, UsageError, WorkerDied
from umtcli.pipeline import Limits, Request, convert, run
from umtcli.pipeline.events import Event, JobAdvanced

FOR_EVER = Limits(timeout_s=10_000)
pytestmark = pytest.mark.usefixtures("no_process_is_left")


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    return [write(tmp_path / f"{name}.wav", noise(0.3, 8_000), 8_000) for name in "ab"]


def ask(songs: list[Path], to: str, limits: Limits) -> Request:
    out = songs[0].parent / "out"
    return Request(tuple(map(str, songs)), (to,), f"{out}/", limits=limits)


def made(songs: list[Path]) -> list[str]:
    return sorted(path.name for path in (songs[0].parent / "out").iterdir())


def test_a_worker_makes_what_is_made_without(songs: list[Path], catalog: Catalog) -> None:
    songs[1].write_text("no music")
    events: list[Event] = []
    done, failed = run(ask(songs, "low", FOR_EVER), catalog, events.append)
    assert done.error is None
    assert isinstance(failed.error, DecodeError)
    (plain,) = convert(songs[0], "low", songs[0].with_name("plain.wav"), catalog=catalog)
    assert Path(done.output).read_bytes() == Path(plain.output).read_bytes()
    assert [type(event).__name__ for event in events] == [
        "RunPlanned", "JobStarted", "JobAdvanced", "OutputFinished", "JobFinished",
        "OutputFinished", "JobFinished",
    ]  # fmt: skip
    assert isinstance(events[2], JobAdvanced)


@pytest.mark.parametrize(
    ("killed", "error", "said"),
    [
        (False, JobTimeout, "took longer than --timeout 1 s"),
        (True, WorkerDied, r"ended its worker process \(signal 9\)"),
    ],
)
def test_a_job_that_never_ends_or_crashes_fails_alone(
    songs: list[Path], make_catalog: MakeCatalog, killed: bool, error: type, said: str
) -> None:
    catalog = make_catalog(StuckFamily(killed))
    limits = FOR_EVER if killed else Limits(timeout_s=1)
    first, second = run(ask(songs, "high", limits), catalog)
    for result in (first, second):  # another worker took the place of the one that died
        assert isinstance(result.error, error)
    with pytest.raises(error, match=said):
        raise first.error
    assert made(songs) == [".umt.jsonl"]  # where both failures are noted


def test_an_interruption_ends_the_worker(songs: list[Path], catalog: Catalog) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, JobAdvanced):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(ask(songs, "low", FOR_EVER), catalog, interrupt)
    assert [name for name in made(songs) if name.endswith(".part")] == []


def test_a_family_that_cannot_be_sent_is_named(
    songs: list[Path], make_catalog: MakeCatalog
) -> None:
    class Local(ToyFamily):
        pass

    with pytest.raises(PluginError, match=r"--timeout .* need plugins .*Local"):
        run(ask(songs, "low", FOR_EVER), make_catalog(Local()))


def test_pipes_have_no_timeout(songs: list[Path], catalog: Catalog) -> None:
    for request in (
        Request(("-",), ("low",), "out.wav", limits=FOR_EVER),
        Request((str(songs[0]),), ("low",), "-", limits=FOR_EVER),
    ):
        with pytest.raises(UsageError, match="--timeout is for files"):
            run(request, catalog)


@pytest.mark.parametrize("longest_s", [0.1, 2.9])
def test_an_input_that_is_too_long_is_refused(
    tmp_path: Path, catalog: Catalog, longest_s: float
) -> None:
    song = write(tmp_path / "song.wav", noise(3.0, 8_000), 8_000)
    limits = Limits(max_duration_s=longest_s)
    (result,) = run(Request((str(song),), ("low",), f"{tmp_path}/out/", limits=limits), catalog)
    assert isinstance(result.error, DecodeError)
    assert f"longer than --max-duration {longest_s:g} s" in str(result.error)
    assert not (tmp_path / "out").exists()


def test_a_pipe_that_is_too_long_is_refused_once_it_is(tmp_path: Path, catalog: Catalog) -> None:
    song = write(tmp_path / "song.wav", noise(3.0, 8_000), 8_000)
    request = Request(("-",), ("low",), f"{tmp_path}/out.wav", limits=Limits(max_duration_s=2.0))
    with song.open("rb") as stdin:
        (result,) = run(request, catalog, stdin=stdin)
    assert "--max-duration 2 s" in str(result.error)
    assert [path.name for path in tmp_path.glob("out*")] == []
