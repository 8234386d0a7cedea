"""Outputs of one input fail by themselves, and within its threads no bit changes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from signals import noise, write
from toy import ToyDecoder, ToyEncoder, ToyFamily, write_decoder, write_encoder
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Domain, Streams, Value
from umtcli.errors import PluginError
from umtcli.pipeline import Request, convert, run
from umtcli.pipeline.events import JobAdvanced
from umtcli.pipeline.runner import FILE_BLOCK_S

RATE = 8_000


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


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_output_that_fails_midway_leaves_the_others(
    tmp_path: Path, song: Path, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UMT_THREADS", threads)
    catalog = two_spaces(tmp_path, TrippingFamily("decoder", "push", RuntimeError("out of tune")))
    high, low = convert(song, "high,low", tmp_path / "out", catalog=catalog)
    assert isinstance(high.error, PluginError)
    assert "Playing high failed: RuntimeError: out of tune" in str(high.error)
    assert low.error is None
    (alone,) = convert(song, "low", tmp_path / "alone.wav", catalog=catalog)
    assert Path(low.output).read_bytes() == Path(alone.output).read_bytes()


def test_an_input_is_left_once_nobody_plays_it(tmp_path: Path) -> None:
    catalog = two_spaces(tmp_path, TrippingFamily("decoder", "push", RuntimeError("out of tune")))
    song = write(tmp_path / "long.wav", noise(20 * FILE_BLOCK_S, RATE), RATE)
    heard: list[float] = []

    def listen(event: object) -> None:
        if isinstance(event, JobAdvanced):
            heard.append(event.done_s)

    convert(song, "high", tmp_path / "out.wav", catalog=catalog, listener=listen)
    assert len(heard) < 5


@dataclass
class NotingFamily(ToyFamily):
    """Notes how many of its networks compute at a time, and with how many threads."""

    def __post_init__(self) -> None:
        self.torch_threads: set[int] = set()
        self.at_start: set[int] = set()
        self.at_work: set[int] = set()
        self.most = 0

    def load_encoder(self, *given: Any) -> Any:
        return self._noted(super().load_encoder(*given))

    def load_decoder(self, *given: Any) -> Any:
        return self._noted(super().load_decoder(*given))

    def _noted(self, machine: Any) -> Any:
        make = machine.streams

        def streams(*given: int) -> Any:
            self.at_start.add(torch.get_num_threads())
            made = make(*given)
            push = made.push

            def noting(blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
                self.torch_threads.add(torch.get_num_threads())
                self.at_work.add(id(made))
                self.most = max(self.most, len(self.at_work))
                result: dict[int, Tensor] = push(blocks)
                self.at_work.discard(id(made))
                return result

            made.push = noting
            return made

        machine.streams = streams
        return machine


@pytest.mark.parametrize(
    ("threads", "piped", "most", "torch_threads"),
    [
        ("1", False, 1, 1),
        ("2", False, 2, 1),
        ("3", False, 2, 1),
        ("8", False, 2, 4),
        ("1", True, 1, 1),
        ("8", True, 1, 8),
    ],
)
def test_cores_are_shared_out_only_where_two_networks_run(
    song: Path,
    make_catalog: Callable[..., Catalog],
    monkeypatch: pytest.MonkeyPatch,
    threads: str,
    piped: bool,
    most: int,
    torch_threads: int,
) -> None:
    family = NotingFamily()
    monkeypatch.setenv("UMT_THREADS", threads)
    to = "low" if piped else "low,high"
    request = Request((str(song),), (to,), "-" if piped else None, overwrite=True)
    results = run(request, make_catalog(family), stdout=io.BytesIO())
    assert [result.error for result in results] == [None] * len(results)
    assert family.torch_threads == {torch_threads}
    assert family.at_start == {int(threads)}  # for networks that share them out themselves
    assert 1 <= family.most <= most
