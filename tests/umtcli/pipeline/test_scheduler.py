"""Several files are in flight: in one call where that helps, side by side where it does not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from signals import noise, write
from toy import ToyDecoder, ToyFamily
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Streams, Value
from umtcli.errors import PluginError
from umtcli.pipeline import Result, convert
from umtcli.pipeline.events import Event, JobFinished, JobStarted, Noticed
from umtcli.pipeline.scheduler import FEW_FILES

MakeCatalog = Callable[..., Catalog]
RATE = 8_000
PATIENCE_S = 60
"""What a test waits for another thread: reached only where it would fail."""


@pytest.fixture
def songs(tmp_path: Path) -> list[Path]:
    """Mono, each of another length and music."""
    lengths_s = (0.5, 1.3, 4.7, 0.2)
    return [
        write(tmp_path / f"{number}.wav", noise(length_s + 1, RATE, 1)[number:], RATE)
        for number, length_s in enumerate(lengths_s)
    ]


def made(results: list[Result]) -> list[bytes]:
    assert [result.error for result in results] == [None] * len(results)
    return [Path(result.output).read_bytes() for result in results]


def each_alone(songs: list[Path], catalog: Catalog) -> list[bytes]:
    folder = songs[0].parent / "alone"
    return [
        data for song in songs for data in made(convert(song, "low", f"{folder}/", catalog=catalog))
    ]


@dataclass
class Watched:
    """Streams that tell their family of each push."""

    streams: Streams
    family: WatchedFamily
    ids: set[int] = field(default_factory=set)

    @property
    def batches(self) -> bool:
        return self.family.batches

    def open(self, key: int = 0) -> int:
        self.ids.add(stream_id := self.streams.open(key))
        return stream_id

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.family.look(self, blocks)
        return self.streams.push(blocks)

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        ended = set(ids)
        self.ids -= ended
        return self.streams.finish(ended)


class WatchedFamily(ToyFamily):
    """Its decoders' pushes can be looked at, and stopped."""

    batches = True

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        raise NotImplementedError

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        decoder: Any = super().load_decoder(bundle, device, options)
        make = decoder.streams
        decoder.streams = lambda seed: Watched(make(seed), self)
        return decoder


class Gathering(WatchedFamily):
    """Its first push waits until so many files were heard, so that they are there together."""

    def __init__(self, num_files: int) -> None:
        self.num_files = num_files
        self.heard = threading.Semaphore(0)
        self.sizes: list[int] = []

    def load_encoder(self, bundle: Bundle, device: str) -> Any:
        encoder: Any = super().load_encoder(bundle, device)
        make = encoder.streams

        def streams() -> Any:
            made = make()
            push = made.push

            def noted(blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
                latents: dict[int, Tensor] = push(blocks)
                made.push = push  # the first block is enough
                self.heard.release()
                return latents

            made.push = noted
            return made

        encoder.streams = streams
        return encoder

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        if not self.sizes:
            for _ in range(self.num_files):
                assert self.heard.acquire(timeout=PATIENCE_S)
        self.sizes.append(len(blocks))


def test_files_are_pushed_together_and_come_out_as_if_alone(
    songs: list[Path], make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", "2")  # files are heard while the first push waits
    family = Gathering(len(songs))
    catalog = make_catalog(family)
    results = convert(songs, "low", songs[0].parent / "out", catalog=catalog)
    together = made(results)
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
    assert len(made(convert(pair, "low", songs[0].parent / "out", catalog=catalog))) == 2
    assert len(family.objects) == 2


def test_few_files_are_open_at_a_time(tmp_path: Path, catalog: Catalog) -> None:
    songs = [write(tmp_path / f"{n}.wav", noise(0.1, RATE, 1), RATE) for n in range(3 * FEW_FILES)]
    now, most = 0, 0

    def listen(event: Event) -> None:
        nonlocal now, most
        now += isinstance(event, JobStarted) - isinstance(event, JobFinished)
        most = max(most, now)

    made(convert(songs, "low", tmp_path / "out", catalog=catalog, listener=listen))
    assert 1 <= most <= FEW_FILES


class Fragile(Gathering):
    """Fails when several streams are pushed at once, if one of them is loud."""

    def look(self, streams: Watched, blocks: Mapping[int, Tensor]) -> None:
        super().look(streams, blocks)
        if any(block.abs().max() > 0.5 for block in blocks.values() if block.numel()):
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
    assert made(results) == whole
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
    together = made(results)
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
