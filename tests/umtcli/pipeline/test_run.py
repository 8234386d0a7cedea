"""What a conversion promises: length, level, stereo, sameness, and that failures stay apart."""

from __future__ import annotations

import io
import subprocess
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from signals import noise, octaves, power_db, read, silence, write
from toy import DECODER_RATE, ToyDecoder, ToyEncoder, ToyFamily, ToyStreams
from umtcli.bundle import Bundle
from umtcli.catalog import Catalog
from umtcli.domain import Value
from umtcli.errors import DecodeError, EncodeError, OutputExists, PluginError, UmtError
from umtcli.media import AudioWriter, LoudnessMeter, TruePeak, probe
from umtcli.pipeline import Request, Result, convert, run
from umtcli.pipeline.events import Event, JobAdvanced, JobFinished, OutputFinished
from umtcli.pipeline.runner import FILE_BLOCK_S

MakeCatalog = Callable[..., Catalog]


def lufs(wave: np.ndarray, rate: int) -> float:
    meter = LoudnessMeter(rate, wave.shape[1])
    meter.push(wave)
    return meter.integrated_lufs()


def peak_dbtp(wave: np.ndarray, rate: int) -> float:
    meter = TruePeak(rate, wave.shape[1])
    meter.push(wave)
    return meter.dbtp()


def convert_one(path: Path, catalog: Catalog, **options: object) -> tuple[np.ndarray, int, Result]:
    output = path.with_name("out.wav")
    (result,) = convert(path, "low", output, catalog=catalog, bits=32, **options)
    assert result.error is None
    return *read(output), result


@pytest.mark.parametrize("rate_in", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("num_samples", [3, 81, 30_001, 100_003])
def test_the_output_is_as_long_as_the_input(
    tmp_path: Path, catalog: Catalog, rate_in: int, num_samples: int
) -> None:
    path = write(tmp_path / "in.wav", noise(14.0, 8_000)[:num_samples], rate_in)
    out, rate, _ = convert_one(path, catalog)
    assert rate == DECODER_RATE
    assert len(out) == round(num_samples * DECODER_RATE / rate_in)


@pytest.mark.parametrize("rate", [11_025, 44_100, 48_000])
def test_the_rate_can_be_chosen(tmp_path: Path, catalog: Catalog, rate: int) -> None:
    path = write(tmp_path / "in.wav", noise(2.0)[:77_777])
    out, rate_out, _ = convert_one(path, catalog, rate=rate)
    assert rate_out == rate
    assert len(out) == round(77_777 * rate / 44_100)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_a_format_keeps_the_length(tmp_path: Path, catalog: Catalog, suffix: str) -> None:
    path = write(tmp_path / "in.flac", noise(2.0)[:77_777])
    (result,) = convert(path, "low", format=suffix, rate=44_100, catalog=catalog)
    out, rate = read(tmp_path / f"in-low.{suffix}")
    assert result.output == str(tmp_path / f"in-low.{suffix}")
    assert rate == 44_100
    assert len(out) == 77_777


def test_the_output_is_as_loud_as_the_input(tmp_path: Path, catalog: Catalog) -> None:
    wave = noise(3.0)
    out, rate, result = convert_one(write(tmp_path / "in.wav", wave), catalog)
    assert lufs(out, rate) == pytest.approx(lufs(wave, 44_100), abs=0.1)
    assert not result.limited_by_ceiling
    assert result.gain_db is not None


def test_the_ceiling_binds_and_is_reported(tmp_path: Path, catalog: Catalog) -> None:
    # clicks: the sine that follows them is far less spiky, so noise at full scale must do
    wave = noise(3.0, level=0.9)
    out, rate, result = convert_one(write(tmp_path / "in.wav", wave), catalog)
    assert result.limited_by_ceiling
    assert peak_dbtp(out, rate) == pytest.approx(-1.0, abs=0.1)
    assert lufs(out, rate) < lufs(wave, 44_100) - 1


def test_silence_gets_no_gain(tmp_path: Path, catalog: Catalog) -> None:
    out, _, result = convert_one(write(tmp_path / "in.wav", silence(1.0)), catalog)
    assert result.gain_db == 0
    assert not out.any()


def test_a_short_clip_gets_no_gain(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.3))
    quiet, _, result = convert_one(path, catalog)
    assert result.gain_db == 0
    loud, _, _ = convert_one(path, catalog, overwrite=True, options={"gain_db": 6.0})
    assert power_db(loud) - power_db(quiet) == pytest.approx([6, 6], abs=0.01)


def test_even_a_short_clip_stays_under_the_ceiling(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.3, level=0.4))
    out, rate, result = convert_one(path, catalog, options={"gain_db": 12.0})
    assert result.limited_by_ceiling
    assert peak_dbtp(out, rate) == pytest.approx(-1.0, abs=0.1)


def test_equal_channels_stay_identical(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", np.repeat(noise(2.0, channels=1), 2, axis=1))
    out, _, _ = convert_one(path, catalog)
    assert out.any()
    assert np.array_equal(out[:, 0], out[:, 1])


def test_equal_channels_stay_identical_in_16_bits(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", np.repeat(noise(2.0, channels=1), 2, axis=1))
    convert(path, "low", tmp_path / "out.wav", catalog=catalog)
    out, _ = read(tmp_path / "out.wav")
    assert np.array_equal(out[:, 0], out[:, 1])


def test_mono_stays_mono(tmp_path: Path, catalog: Catalog) -> None:
    out, _, _ = convert_one(write(tmp_path / "in.wav", noise(1.0, channels=1)), catalog)
    assert out.shape[1] == 1
    assert out.any()


class MidFamily(ToyFamily):
    """Plays the mid once, as decoders do that sample."""

    def load_decoder(self, *arguments: object) -> ToyDecoder:
        decoder = super().load_decoder(*arguments)  # type: ignore[arg-type]
        decoder.mid_only = True
        return decoder


@pytest.fixture(params=[ToyFamily, MidFamily])
def any_catalog(request: pytest.FixtureRequest, make_catalog: MakeCatalog) -> Catalog:
    return make_catalog(request.param())


@pytest.mark.parametrize("side", [0, 1])
def test_hard_panned_stays_panned(tmp_path: Path, any_catalog: Catalog, side: int) -> None:
    wave = noise(2.0)
    wave[:, 1 - side] = 0
    out, _, _ = convert_one(write(tmp_path / "in.wav", wave), any_catalog)
    powers = power_db(out)
    assert powers[side] - powers[1 - side] > 20


def test_every_octave_keeps_its_level_difference(tmp_path: Path, any_catalog: Catalog) -> None:
    wave = noise(4.0, 16_000) * np.float32([1.0, 0.4])
    out, rate, _ = convert_one(write(tmp_path / "in.wav", wave, 16_000), any_catalog)
    wanted = octaves(wave, 16_000) @ [1, -1]
    # the toy hears nothing above 4 kHz: above, the rest's image is right by definition
    np.testing.assert_allclose(octaves(out, rate) @ [1, -1], wanted, atol=3)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_the_same_request_gives_the_same_bytes(
    tmp_path: Path, catalog: Catalog, suffix: str
) -> None:
    path = write(tmp_path / "in.wav", noise(2.0))
    outputs = [tmp_path / f"{i}.{suffix}" for i in range(2)]
    for output in outputs:
        convert(path, "low", output, catalog=catalog)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_another_seed_gives_another_performance(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(1.0))
    first, _, _ = convert_one(path, catalog, seed=1)
    second, _, _ = convert_one(path, catalog, seed=2, overwrite=True)
    assert not np.array_equal(first, second)


def test_the_largest_seed_plays(tmp_path: Path, catalog: Catalog) -> None:
    out, _, _ = convert_one(write(tmp_path / "in.wav", noise(0.5)), catalog, seed=2**63 - 1)
    assert out.any()


def test_a_result_does_not_depend_on_what_else_is_converted(
    tmp_path: Path, catalog: Catalog
) -> None:
    paths = [write(tmp_path / f"{i}.wav", noise(1.0 + i)[i:]) for i in range(3)]
    convert(paths[1], "low", tmp_path / "alone", catalog=catalog)
    convert(paths[1], "low", tmp_path / "alone.wav", catalog=catalog)
    convert(paths, "high,low", tmp_path / "together", catalog=catalog)
    alone = (tmp_path / "alone.wav").read_bytes()
    assert (tmp_path / "alone" / "1-low.wav").read_bytes() == alone
    assert (tmp_path / "together" / "1-low.wav").read_bytes() == alone


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

    def load_encoder(self, bundle: Bundle, device: str) -> SpyEncoder:  # type: ignore[override]
        self.encoders_loaded += 1
        return SpyEncoder(super().load_encoder(bundle, device), self)  # type: ignore[arg-type]

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


def test_a_broken_input_does_not_stop_the_rest(tmp_path: Path, catalog: Catalog) -> None:
    good = [write(tmp_path / f"{i}.wav", noise(0.5)) for i in range(2)]
    (tmp_path / "broken.wav").write_text("this is no music")
    missing = tmp_path / "missing.wav"
    inputs = [good[0], tmp_path / "broken.wav", missing, good[1]]
    results = convert(inputs, "low", tmp_path / "out", catalog=catalog)
    assert [type(result.error) for result in results] == [
        type(None), DecodeError, DecodeError, type(None)
    ]  # fmt: skip
    assert sorted(p.name for p in (tmp_path / "out").glob("[!.]*")) == ["0-low.wav", "1-low.wav"]


class FailingStreams(ToyStreams):
    empty = torch.zeros(2, 0)

    def __init__(self, error: BaseException | None) -> None:
        super().__init__()
        self.error = error

    def advance(self, stream: object, *, last: bool) -> Tensor:
        if self.error is not None:
            raise self.error
        return torch.full((1_000,), torch.nan)


@dataclass
class FailingDecoder(ToyDecoder):
    error: BaseException | None = None

    def streams(self, seed: int = 0) -> ToyStreams:
        return FailingStreams(self.error)


@dataclass
class FailingFamily(ToyFamily):
    """Its domain `high` breaks; `low` is well."""

    error: BaseException | None
    at_load: bool = False

    def load_decoder(self, bundle: Bundle, device: str, options: Mapping[str, Value]) -> ToyDecoder:
        if bundle.info.name != "high":
            return super().load_decoder(bundle, device, options)
        if self.at_load and self.error is not None:
            raise self.error
        return FailingDecoder(880.0, error=self.error)


@pytest.mark.parametrize("at_load", [True, False])
def test_a_failing_domain_does_not_stop_the_others(
    tmp_path: Path, make_catalog: MakeCatalog, at_load: bool
) -> None:
    catalog = make_catalog(FailingFamily(RuntimeError("shapes do not match"), at_load))
    path = write(tmp_path / "in.wav", noise(0.5))
    high, low = convert(path, "high,low", tmp_path / "out", catalog=catalog)
    assert isinstance(high.error, PluginError)
    assert "high failed: RuntimeError: shapes do not match" in str(high.error)
    assert low.error is None
    assert [p.name for p in (tmp_path / "out").glob("[!.]*")] == ["in-low.wav"]


def test_a_domain_that_plays_no_numbers_fails(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.5))
    (result,) = convert(path, "high", catalog=make_catalog(FailingFamily(None)))
    assert isinstance(result.error, PluginError)
    assert "not a number" in str(result.error)


def test_an_interruption_leaves_nothing_behind(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    catalog = make_catalog(FailingFamily(KeyboardInterrupt()))
    path = write(tmp_path / "in.wav", noise(0.5))
    with pytest.raises(KeyboardInterrupt):
        convert(path, "low,high", tmp_path / "out", catalog=catalog)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_exists_is_refused_and_the_rest_done(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.5))
    (tmp_path / "in-low.wav").write_text("precious")
    low, high = convert(path, "low,high", catalog=catalog)
    assert isinstance(low.error, OutputExists)
    assert high.error is None
    assert (tmp_path / "in-low.wav").read_text() == "precious"
    (again,) = convert(path, "low", catalog=catalog, overwrite=True)
    assert again.error is None
    assert len(read(tmp_path / "in-low.wav")[0]) == 8_000


def test_a_folder_that_cannot_be_written_fails_its_output(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(0.5))
    (tmp_path / "file").write_text("no folder")
    (result,) = convert(path, "low", tmp_path / "file" / "out.wav", catalog=catalog)
    assert isinstance(result.error, EncodeError)
    assert str(tmp_path / "file") in str(result.error)


def test_outputs_carry_the_tags_and_their_provenance(tmp_path: Path, catalog: Catalog) -> None:
    with AudioWriter(
        tmp_path / "in.flac", sample_rate=8_000, num_channels=1, tags={"title": "Gymnopédie"}
    ) as writer:
        writer.write(noise(0.5, 8_000, channels=1))
    convert(tmp_path / "in.flac", "low", catalog=catalog)
    tags = probe(tmp_path / "in-low.flac").tags
    assert tags["title"] == "Gymnopédie"
    assert "domain low" in tags["comment"]
    assert "CC0-1.0" in tags["comment"]


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


def test_events_tell_the_whole_story(tmp_path: Path, catalog: Catalog) -> None:
    events: list[Event] = []
    path = write(tmp_path / "in.wav", noise(2.5 * FILE_BLOCK_S, 8_000), 8_000)
    convert(path, "low", catalog=catalog, listener=events.append)
    kinds = [type(event).__name__ for event in events]
    assert kinds == ["RunPlanned", "JobStarted", *["JobAdvanced"] * 3, "OutputFinished",
                     "JobFinished"]  # fmt: skip
    assert [e.done_s for e in events if isinstance(e, JobAdvanced)] == [
        FILE_BLOCK_S, 2 * FILE_BLOCK_S, 2.5 * FILE_BLOCK_S
    ]  # fmt: skip
    assert [e.result.ok for e in events if isinstance(e, OutputFinished)] == [True]
    assert isinstance(events[-1], JobFinished)


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


class PatientSource(io.RawIOBase):
    """A pipe that holds its second half back until audio has come out at the other end."""

    def __init__(self, data: bytes, came_out: threading.Event) -> None:
        self.halves = [data[: len(data) // 2], data[len(data) // 2 :]]
        self.came_out = came_out
        self.in_time = False

    def read(self, size: int = -1) -> bytes:
        if not self.halves:
            return b""
        if len(self.halves) == 1:
            self.in_time = self.came_out.wait(timeout=60)
        return self.halves.pop(0)


class Sink(io.BytesIO):
    """A pipe that tells when more than a header came out."""

    def __init__(self, came_out: threading.Event) -> None:
        super().__init__()
        self.came_out = came_out

    def write(self, data: bytes) -> int:  # type: ignore[override]
        written = super().write(data)
        if self.tell() > 10_000:
            self.came_out.set()
        return written


def test_a_pipe_gives_audio_before_its_input_ends(tmp_path: Path, catalog: Catalog) -> None:
    wave = noise(6.0)
    data = write(tmp_path / "in.wav", wave).read_bytes()
    came_out = threading.Event()
    source, sink = PatientSource(data, came_out), Sink(came_out)
    request = Request(inputs=("-",), to=("low",), output="-")
    (result,) = run(request, catalog, stdin=source, stdout=sink)  # type: ignore[arg-type]
    assert result.error is None
    assert source.in_time
    (tmp_path / "out.wav").write_bytes(sink.getvalue())
    out, rate = read(tmp_path / "out.wav")
    assert len(out) == 6 * DECODER_RATE
    assert lufs(out[rate:], rate) == pytest.approx(lufs(wave, 44_100), abs=1)


def test_a_pipe_stays_under_its_ceiling(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(3.0, level=0.9))
    sink = io.BytesIO()
    (result,) = run(Request((str(path),), ("low",), "-", bits=32), catalog, stdout=sink)
    assert result.error is None
    (tmp_path / "out.wav").write_bytes(sink.getvalue())
    assert 20 * np.log10(np.abs(read(tmp_path / "out.wav")[0]).max()) <= -0.99


def test_errors_are_of_the_public_kind(tmp_path: Path, catalog: Catalog) -> None:
    (result,) = convert(tmp_path / "missing.wav", "low", catalog=catalog)
    assert isinstance(result.error, UmtError)
    assert "missing.wav" in str(result.error)
    assert result.real_time_factor is None
