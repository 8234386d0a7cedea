"""One input goes to many outputs: in order, each failing by itself, within its threads."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from signals import noise, write
from toy import FRAME_RATE, ToyDecoder, ToyEncoder, ToyFamily, write_decoder, write_encoder
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Domain, LatentSpace, Streams, Value
from umtcli.errors import PluginError
from umtcli.media import LoudnessMeter
from umtcli.pipeline import Request, convert, run
from umtcli.pipeline.runner import FILE_BLOCK_S
from umtcli.pipeline.translate import Part, translate

RATE = 8_000
BLOCKS = 4


@dataclass
class Blocks:
    """A reader: so many blocks of 100 samples, block i all i."""

    num_blocks: int = BLOCKS
    sample_rate: int = RATE
    num_channels: int = 1

    def __iter__(self) -> Iterator[np.ndarray]:
        for number in range(self.num_blocks):
            yield np.full((100, 1), number, np.float32)


@dataclass
class NotingLane:
    """Notes what it is given, and by which thread; fails at a block if told so."""

    fails_at: int | None = None
    error: Exception = field(default_factory=lambda: RuntimeError("out of strings"))
    heard: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    finished: bool = False

    def push(self, heard: Any, num_heard: int) -> None:
        if len(self.counts) == self.fails_at:
            raise self.error
        self.threads.add(threading.get_ident())
        self.counts.append(num_heard)
        self.heard += heard.wav_CT.flatten().tolist()

    def finish(self, heard: Any, num_heard: int) -> None:
        self.heard += heard.wav_CT.flatten().tolist()
        self.finished = True


def part(lane: NotingLane, encoder: object | None = None) -> Part:
    space = LatentSpace("toy/1", 2, FRAME_RATE, "")
    encoder = encoder or ToyEncoder(space, torch.ones(2))
    return Part("toy", encoder, lane, plays_mid=False)


def translated(parts: list[Part], *, overlap: bool) -> list[float]:
    """Translate `Blocks` and return what `advanced` was told."""
    told: list[float] = []
    meter = LoudnessMeter(RATE, 1)
    translate(Blocks(), parts, meter, told.append, overlap=overlap)
    return told


@pytest.mark.parametrize("overlap", [True, False])
def test_every_lane_gets_every_block_in_order(overlap: bool) -> None:
    lanes = [NotingLane() for _ in range(3)]
    shared = part(lanes[0]).encoder
    told = translated([part(lane, shared) for lane in lanes], overlap=overlap)
    assert told == [100 / RATE, 200 / RATE, 300 / RATE, 400 / RATE]
    for lane in lanes:
        assert lane.counts == [100, 200, 300, 400]
        assert lane.heard == [float(number) for number in range(BLOCKS) for _ in range(100)]
        assert lane.finished


@pytest.mark.parametrize("overlap", [True, False])
def test_a_lane_that_fails_midway_leaves_the_others(overlap: bool) -> None:
    good, bad = NotingLane(), NotingLane(fails_at=2)
    parts = [part(bad), part(good)]
    translated(parts, overlap=overlap)
    assert isinstance(parts[0].error, PluginError)
    assert "Playing toy failed: RuntimeError: out of strings" in str(parts[0].error)
    assert parts[1].error is None
    assert good.counts == [100, 200, 300, 400]
    assert good.finished
    assert not bad.finished


def test_an_input_is_left_once_nobody_plays_it() -> None:
    parts = [part(NotingLane(fails_at=0)), part(NotingLane(fails_at=0))]
    assert translated(parts, overlap=False) == [100 / RATE]


@pytest.mark.parametrize(("overlap", "most"), [(False, 1), (True, 2)])
def test_no_more_networks_run_at_a_time_than_were_counted_on(overlap: bool, most: int) -> None:
    lanes = [NotingLane() for _ in range(5)]
    translated([part(lane) for lane in lanes], overlap=overlap)
    assert 1 <= len(set.union(*(lane.threads for lane in lanes))) <= most


@dataclass
class Tripping:
    """Streams that raise at one stage: `open`, `push` the second block, or `finish`."""

    streams: Streams
    stage: str
    error: BaseException
    pushes: int = 0

    def open(self, key: int = 0) -> int:
        return self.streams.open(key)

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.pushes += 1
        if self.stage == "push" and self.pushes == 2:
            raise self.error
        return self.streams.push(blocks)

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        if self.stage == "finish":
            raise self.error
        return self.streams.finish(ids)


def trip(machine: Any, stage: str, error: BaseException) -> Any:
    """Let a machine raise when its streams are made (`streams`), pushed to or finished."""
    make = machine.streams

    def streams(*arguments: int) -> Tripping:
        if stage == "streams":
            raise error
        return Tripping(make(*arguments), stage, error)

    machine.streams = streams
    return machine


@dataclass
class TrippingFamily(ToyFamily):
    """The encoder of weight 2, or the decoder `high`, raises at a stage."""

    where: str
    stage: str
    error: BaseException

    def load_encoder(self, bundle: Bundle, device: str) -> ToyEncoder:
        encoder = ToyEncoder(bundle.info.space, bundle.tensors["weight"])
        if self.where == "encoder" and float(encoder.weight_C[0]) == 2:
            trip(encoder, self.stage, self.error)
        return encoder

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        decoder = super().load_decoder(bundle, device, options)
        if self.where == "decoder" and bundle.info.name == "high":
            trip(decoder, self.stage, self.error)
        return decoder


def two_spaces(folder: Path, family: ToyFamily) -> Catalog:
    """`low` hears with the encoder of weight 1, `high` with that of weight 2."""
    encoders = [
        write_encoder(folder / f"encoder-{weight}.safetensors", (weight, weight))
        for weight in (1.0, 2.0)
    ]
    decoders = [
        write_decoder(folder / f"{name}.safetensors", encoder.space, name, frequency_hz)
        for name, frequency_hz, encoder in zip(
            ("low", "high"), (110.0, 880.0), encoders, strict=True
        )
    ]
    return Catalog(
        families={"toy": family},
        encoders={info.space.fingerprint: info for info in encoders},
        domains=tuple(Domain.from_bundle(info.path) for info in decoders),
        plugins=(),
    )


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write(tmp_path / "in.wav", noise(2.5 * FILE_BLOCK_S, RATE), RATE)


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("stage", ["streams", "push", "finish"])
def test_an_encoder_that_fails_takes_only_its_own_domains_along(
    tmp_path: Path, song: Path, stage: str, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", threads)
    catalog = two_spaces(tmp_path, TrippingFamily("encoder", stage, RuntimeError("deaf")))
    high, low = convert(song, "high,low", tmp_path / "out", catalog=catalog)
    assert isinstance(high.error, PluginError)
    assert "Encoding failed: RuntimeError: deaf" in str(high.error)
    assert low.error is None
    assert [p.name for p in (tmp_path / "out").glob("[!.]*")] == ["in-low.wav"]


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("where", ["encoder", "decoder"])
@pytest.mark.parametrize("stage", ["streams", "push", "finish"])
def test_an_interruption_ends_all_and_leaves_no_output(
    tmp_path: Path,
    song: Path,
    where: str,
    stage: str,
    threads: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UMT_THREADS", threads)
    catalog = two_spaces(tmp_path, TrippingFamily(where, stage, KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        convert(song, "low,high", tmp_path / "out", catalog=catalog)
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_overlap_changes_no_bit(
    tmp_path: Path, song: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for threads in ("1", "2"):  # torch has one either way; with two, hearing overlaps playing
        monkeypatch.setenv("UMT_THREADS", threads)
        results = convert(song, "high,low", tmp_path / threads, catalog=catalog)
        made.append([Path(result.output).read_bytes() for result in results])
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("threads", "piped", "overlap", "torch_threads"),
    [
        ("1", False, False, 1),
        ("2", False, True, 1),
        ("3", False, True, 1),
        ("8", False, True, 4),
        ("1", True, False, 1),
        ("8", True, False, 8),
    ],
)
def test_cores_are_shared_out_only_where_two_networks_run(
    song: Path,
    catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
    threads: str,
    piped: bool,
    overlap: bool,
    torch_threads: int,
) -> None:
    seen: list[tuple[bool, int]] = []
    honest: Callable[..., int] = translate

    def spy(*arguments: Any, overlap: bool) -> int:
        seen.append((overlap, torch.get_num_threads()))
        return honest(*arguments, overlap=overlap)

    monkeypatch.setattr("umtcli.pipeline.runner.translate", spy)
    monkeypatch.setenv("UMT_THREADS", threads)
    request = Request((str(song),), ("low",), "-" if piped else None, overwrite=True)
    (result,) = run(request, catalog, stdout=io.BytesIO())
    assert result.error is None
    assert seen == [(overlap, torch_threads)]
