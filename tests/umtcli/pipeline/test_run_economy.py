"""A conversion does nothing twice: encoding, loading, processes; and its memory is bounded."""

from __future__ import annotations

import subprocess
import tracemalloc
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from conversions import MakeCatalog
from signals import noise, write
from toy import DECODER_RATE, ToyDecoder, ToyEncoder, ToyFamily, ToyStreams
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.pipeline import convert
from umtcli.pipeline.runner import FILE_BLOCK_S


class CountedStreams(ToyStreams):
    """Passes everything on and counts the samples."""

    def __init__(self, streams: ToyStreams, family: SpyFamily) -> None:
        self.streams = streams
        self.family = family

    def open(self, key: int = 0) -> int:
        return self.streams.open(key)

    def push(self, blocks: Mapping[int, Tensor]) -> dict[int, Tensor]:
        self.family.samples_encoded += sum(len(block) for block in blocks.values())
        return self.streams.push(blocks)

    def finish(self, ids: Iterable[int]) -> dict[int, Tensor]:
        return self.streams.finish(ids)


@dataclass
class SpyEncoder:
    encoder: ToyEncoder
    family: SpyFamily

    def __getattr__(self, name: str) -> object:
        return getattr(self.encoder, name)

    def streams(self) -> ToyStreams:
        return CountedStreams(self.encoder.streams(), self.family)


@dataclass
class SpyFamily(ToyFamily):
    """Counts what is loaded and encoded."""

    samples_encoded: int = 0
    encoders_loaded: int = 0
    decoders_loaded: list[str] = field(default_factory=list)

    def load_encoder(self, bundle: Bundle, device: str) -> SpyEncoder:
        self.encoders_loaded += 1
        return SpyEncoder(super().load_encoder(bundle, device), self)

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        self.decoders_loaded.append(bundle.info.name)
        return super().load_decoder(bundle, device, options)


def test_an_input_is_encoded_once_for_all_domains(
    tmp_path: Path, make_catalog: MakeCatalog
) -> None:
    family = SpyFamily()
    path = write(tmp_path / "in.wav", noise(2.0, 8_000), 8_000)
    results = convert(path, ["high", "low"], catalog=make_catalog(family))
    assert [result.ok for result in results] == [True, True]
    assert family.samples_encoded == 2 * 16_000  # two channels


def test_networks_are_loaded_once_for_all_inputs(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    family = SpyFamily()
    paths = [write(tmp_path / f"{i}.wav", noise(0.5)) for i in range(3)]
    results = convert(paths, "high,low", catalog=make_catalog(family))
    assert len(results) == 6
    assert family.encoders_loaded == 1
    assert sorted(family.decoders_loaded) == ["high", "low"]


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "caf"])
def test_a_clip_costs_one_process_however_many_outputs(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    started = []

    class Spy(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **options: Any) -> None:
            started.append(command)
            super().__init__(command, **options)

    monkeypatch.setattr(subprocess, "Popen", Spy)
    clips = [write(tmp_path / f"{name}.wav", noise(0.5)) for name in "abc"]
    results = convert(clips, "low,high", tmp_path / "out", format=suffix, catalog=catalog)
    assert [result.error for result in results] == [None] * 6
    assert len(started) == 3


def test_memory_does_not_grow_with_the_input(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    # with more threads, chance decides how much of two blocks is there at the same time
    monkeypatch.setenv("UMT_THREADS", "1")
    peaks = []
    for blocks in (5, 5, 17.5):  # the first one pays for what is made once
        duration_s = blocks * FILE_BLOCK_S
        path = write(tmp_path / f"{duration_s}.wav", noise(duration_s, 8_000), 8_000)
        tracemalloc.start()
        convert(path, "low", tmp_path / "out.wav", catalog=catalog, overwrite=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    more_audio_bytes = 50 * DECODER_RATE * 2 * 4
    assert peaks[2] - peaks[1] < more_audio_bytes / 10
