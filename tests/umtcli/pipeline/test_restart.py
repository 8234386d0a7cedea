"""A second run does what the first left, and nothing else; two runs at once share the work."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from conversions import MakeCatalog
from signals import noise, read, write
from toy import ToyDecoder, ToyFamily
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.errors import DecodeError, OutputExists
from umtcli.media.pending import PendingFile
from umtcli.pipeline import Request, Result, Selection, run
from umtcli.pipeline.events import Event, Noticed
from umtcli.pipeline.jobs import Shard


def states(results: list[Result]) -> list[str]:
    return [result.as_json()["status"] for result in results]


def ask(folder: Path, **request: object) -> Request:
    """All of a folder, into the folder `out` beside it."""
    settings: dict[str, object] = {"to": ("low",), "output": str(folder.parent / "out"), **request}
    return Request((str(folder),), **settings)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    (folder / "cd1").mkdir(parents=True)
    for number, name in enumerate(("a.wav", "b.flac", "cd1/a.wav")):
        write(folder / name, noise(0.2 + 0.1 * number, 8_000), 8_000)
    return folder


def outputs(album: Path) -> dict[str, bytes]:
    out = album.parent / "out"
    made = (path for path in out.rglob("[!.]*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in made}


def test_what_is_done_is_not_done_again(album: Path, catalog: Catalog) -> None:
    assert states(run(ask(album), catalog)) == ["done"] * 3
    first = outputs(album)
    assert sorted(first) == ["a-low.wav", "b-low.flac", "cd1/a-low.wav"]
    (album.parent / "out" / "b-low.flac").unlink()
    again = run(ask(album), catalog)
    assert states(again) == ["skipped", "done", "skipped"]
    assert all(result.ok for result in again)
    assert [result.duration_s for result in again] == pytest.approx([0.2, 0.3, 0.4])
    assert outputs(album) == first


def test_what_is_done_loads_no_network(album: Path, make_catalog: MakeCatalog) -> None:
    @dataclass
    class Counting(ToyFamily):
        loaded: list[str] = field(default_factory=list)

        def load_decoder(
            self, bundle: Bundle, device: str, options: Mapping[str, Value]
        ) -> ToyDecoder:
            self.loaded.append(bundle.info.name)
            return super().load_decoder(bundle, device, options)

    family = Counting()
    catalog = make_catalog(family)
    run(ask(album), catalog)
    run(ask(album), catalog)
    assert family.loaded == ["low"]


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"bits": 24}, {"rate": 8_000}, {"options": {"gain_db": "3"}}],
)
def test_another_request_is_another_output(
    album: Path, catalog: Catalog, change: dict[str, object]
) -> None:
    run(ask(album), catalog)
    before = outputs(album)
    results = run(ask(album, **change), catalog)
    assert [type(result.error) for result in results] == [OutputExists] * 3
    assert "other options" in str(results[0].error)
    assert outputs(album) == before


def test_another_input_is_another_output(album: Path, catalog: Catalog) -> None:
    run(ask(album), catalog)
    old = (album / "a.wav").stat()
    wave, rate = read(album / "a.wav")
    write(album / "a.wav", wave[::-1].copy(), rate)
    os.utime(album / "a.wav", ns=(old.st_atime_ns, old.st_mtime_ns))  # content alone tells
    assert states(run(ask(album), catalog)) == ["failed", "skipped", "skipped"]
    assert states(run(ask(album, overwrite=True), catalog)) == ["done"] * 3
    assert states(run(ask(album), catalog)) == ["skipped"] * 3


def test_an_input_may_move(album: Path, catalog: Catalog) -> None:
    run(ask(album), catalog)
    moved = album.rename(album.with_name("moved"))
    (moved / "a.wav").touch()
    assert states(run(ask(moved), catalog)) == ["skipped"] * 3


def test_another_decoder_is_another_output(tmp_path: Path, album: Path, catalog: Catalog) -> None:
    run(ask(album), catalog)
    # another network under the same name, as an update of its package brings
    low, high = catalog.domain("low"), catalog.domain("high")
    updated = replace(catalog, domains=(replace(high, name="low"),))
    assert low.decoder != high.decoder
    assert states(run(ask(album), updated)) == ["failed"] * 3


def test_a_changed_output_is_not_taken_for_done(album: Path, catalog: Catalog) -> None:
    run(ask(album), catalog)
    path = album.parent / "out" / "a-low.wav"
    status, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-2] + b"\x7f\x7f")
    assert states(run(ask(album), catalog))[0] == "failed"
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert states(run(ask(album), catalog))[0] == "skipped"  # nothing shows from outside
    (first, *_) = run(ask(album, verify=True), catalog)
    assert "was changed since umt made it" in str(first.error)
    path.write_bytes(data)
    assert states(run(ask(album, verify=True), catalog)) == ["skipped"] * 3


def test_what_somebody_else_made_is_kept(album: Path, catalog: Catalog) -> None:
    (album.parent / "out").mkdir()
    (album.parent / "out" / "a-low.wav").write_text("precious")
    assert states(run(ask(album), catalog)) == ["failed", "done", "done"]
    assert outputs(album)["a-low.wav"] == b"precious"


def test_a_dry_run_tells_and_does_nothing(album: Path, catalog: Catalog) -> None:
    run(Request((str(album / "a.wav"),), ("low",), f"{album.parent}/out/"), catalog)
    before = outputs(album)
    results = run(ask(album, dry_run=True), catalog)
    assert states(results) == ["skipped", "planned", "planned"]
    assert outputs(album) == before
    assert not (album.parent / "out" / "cd1").exists()


def test_only_what_failed_is_tried_again(album: Path, catalog: Catalog) -> None:
    good = (album / "a.wav").read_bytes()
    (album / "a.wav").write_bytes(b"no music")
    retry = ask(album, selection=Selection(retry_failed=True))
    assert run(retry, catalog) == []
    assert states(run(ask(album), catalog)) == ["failed", "done", "done"]
    (again,) = run(retry, catalog)
    assert isinstance(again.error, DecodeError)
    write(album / "new.wav", noise(0.2))
    (album / "a.wav").write_bytes(good)
    assert states(run(retry, catalog)) == ["done"]
    assert run(retry, catalog) == []


def test_shards_make_all_and_nothing_twice(album: Path, catalog: Catalog) -> None:
    made = []
    for index in (1, 2):
        # outputs of one shard beside the inputs must not shift the shares of another
        request = ask(album, output=None, selection=Selection(shard=Shard(index, 2)))
        made += [result.output for result in run(request, catalog)]
    assert sorted(made) == sorted(set(made))
    assert len(made) == 3
    assert states(run(ask(album, output=None), catalog)) == ["skipped"] * 3


def test_a_folder_can_be_played_by_another_domain(album: Path, catalog: Catalog) -> None:
    assert len(run(ask(album, output=None), catalog)) == 3
    assert len(run(ask(album, output=None, to=("high",)), catalog)) == 3


def test_a_run_waits_for_what_another_is_making(album: Path, catalog: Catalog) -> None:
    out = album.parent / "out"
    out.mkdir()
    other = PendingFile((out / "a-low.wav").resolve())
    order = []
    noticed = threading.Event()

    def listen(event: Event) -> None:
        if isinstance(event, Noticed):
            order.extend(sorted(outputs(album)))  # the rest was done meanwhile
            noticed.set()

    def end_the_other() -> None:
        noticed.wait(60)
        other.discard()  # it failed: its work is taken over

    thread = threading.Thread(target=end_the_other)
    thread.start()
    results = run(ask(album), catalog, listen)
    thread.join()
    assert states(results) == ["done"] * 3
    assert order == ["b-low.flac", "cd1/a-low.wav"]


def test_two_runs_at_once_share_the_work(album: Path, catalog: Catalog) -> None:
    alone = run(ask(album), catalog)
    expected = outputs(album)
    for path in (album.parent / "out").rglob("*.*"):
        path.unlink()
    results: list[list[Result]] = []
    threads = [
        threading.Thread(target=lambda: results.append(run(ask(album), catalog))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(alone) == 3
    made = [sorted(pair) for pair in zip(*map(states, results), strict=True)]
    assert made == [["done", "skipped"]] * 3
    assert outputs(album) == expected


def test_an_input_that_changes_while_it_is_heard_is_not_called_done(
    album: Path, catalog: Catalog
) -> None:
    def listen(event: Event) -> None:
        if type(event).__name__ == "JobAdvanced":
            os.utime(album / "a.wav", ns=(1, 1))

    one = Request((str(album / "a.wav"),), ("low",), f"{album.parent}/out/")
    assert states(run(one, catalog, listen)) == ["done"]
    assert states(run(one, catalog)) == ["failed"]


def test_names_that_no_output_may_have_are_refused_before_work(
    album: Path, catalog: Catalog
) -> None:
    from umtcli.errors import UsageError

    with pytest.raises(UsageError, match="is an input"):
        run(ask(album, output=None, name="{stem}.{ext}"), catalog)
    write(album / "b.wav", noise(0.1))
    with pytest.raises(UsageError, match="would both be written"):
        run(ask(album, format="wav"), catalog)
    assert outputs(album) == {}
