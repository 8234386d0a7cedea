"""Networks that fail: nobody else's file pays for it, and what is begun again is the same."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from conversions import MakeCatalog, bytes_of, each_alone
from signals import noise, write
from umtcli.errors import PluginError
from umtcli.pipeline import convert
from umtcli.pipeline.events import Event, Noticed, OutputFinished
from umtcli.pipeline.passage import Passage
from umtcli.pipeline.runner import Runner
from watched import PATIENCE_S, Gathering, Watched, WatchedFamily

RATE = 8_000


class Fragile(Gathering):
    """Fails if a stream is loud, but for its first push: whose that is is chance."""

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        first = not self.sizes
        super().look(streams, blocks)
        loud = any(block.abs().max() > 0.5 for block in blocks.values() if block.numel())
        if loud and not first:
            raise RuntimeError("too loud")


def test_only_the_file_that_breaks_a_network_fails(
    songs: list[Path], make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")
    whole = each_alone(songs, make_catalog())
    write(songs[1], np.ones_like(noise(0.5, RATE, 1)), RATE)
    (songs[0].parent / "plugin").rename(songs[0].parent / "plugin-before")
    family = Fragile(len(songs))
    catalog = make_catalog(family)
    out = songs[0].parent / "out"
    results = convert(songs, "low", out, catalog=catalog)
    assert max(family.sizes) > 1
    bad = results.pop(1)
    assert isinstance(bad.error, PluginError)
    assert "Playing low failed: RuntimeError: too loud" in str(bad.error)
    del whole[1]
    assert bytes_of(results) == whole
    assert not [path for path in out.iterdir() if path.suffix == ".part"]


class Small(Gathering):
    """Has room for two streams."""

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        super().look(streams, blocks)
        if len(streams.ids) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")


def test_where_memory_is_short_fewer_files_go_on_with_the_same_result(
    songs: list[Path], make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")
    family = Small(len(songs))
    notices: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Noticed):
            notices.append(event.message)

    catalog = make_catalog(family)
    results = convert(songs, "low", songs[0].parent / "out", catalog=catalog, listener=listen)
    together = bytes_of(results)
    assert notices == ["Too little memory for 4 files at once: going on with fewer."]
    assert together == each_alone(songs, catalog)


def test_a_file_that_memory_is_too_short_for_fails_alone(
    songs: list[Path], make_catalog: MakeCatalog
) -> None:
    class Full(WatchedFamily):
        def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    results = convert(songs, "low", songs[0].parent / "out", catalog=make_catalog(Full()))
    assert ["out of memory" in str(result.error) for result in results] == [True] * len(songs)


class Tight(WatchedFamily):
    """Has room for one push at a time; the first two come together."""

    batches = False

    def __init__(self) -> None:
        self.pair = threading.Barrier(2)
        self.first: list[Watched] = []

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        if len(self.first) < 2:
            self.first.append(streams)
            self.pair.wait(PATIENCE_S)
            raise torch.OutOfMemoryError("CUDA out of memory.")


def test_files_side_by_side_that_memory_is_too_short_for_take_turns(
    songs: list[Path], make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")
    family = Tight()
    catalog = make_catalog(family)
    together = bytes_of(convert(songs, "low", songs[0].parent / "out", catalog=catalog))
    assert len(set(map(id, family.first))) == 2
    assert together == each_alone(songs, catalog)


class Breakable(WatchedFamily):
    """Once broken, its streams fail for ever; the first break in their first push."""

    def __init__(self) -> None:
        self.other_is_open = threading.Event()
        self.broken: Watched | None = None

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        if self.broken is None:
            assert self.other_is_open.wait(PATIENCE_S)
            self.broken = streams
        if self.broken is streams:
            raise RuntimeError("broken")


def test_a_file_that_was_opened_while_another_broke_a_network_gets_a_new_one(
    songs: list[Path], make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")
    family = Breakable()
    first_has_failed = threading.Event()
    plain = Runner.open

    def slow(runner: Runner, passage: Passage) -> None:
        plain(runner, passage)
        if passage.job.source == songs[1] and not first_has_failed.is_set():
            family.other_is_open.set()
            assert first_has_failed.wait(PATIENCE_S)

    def listen(event: Event) -> None:
        if isinstance(event, OutputFinished):
            first_has_failed.set()

    monkeypatch.setattr(Runner, "open", slow)
    catalog = make_catalog(family)
    out = songs[0].parent / "out"
    first, second = convert(songs[:2], "low", out, catalog=catalog, listener=listen)
    assert "RuntimeError: broken" in str(first.error)
    assert bytes_of([second]) == each_alone(songs[1:2], catalog)
