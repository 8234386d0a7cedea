"""What a conversion promises of its output: length, level, sameness, tags and its story."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conversions import convert_one
from signals import lufs, noise, peak_dbtp, power_db, read, silence, write
from toy import DECODER_RATE
from umtcli.catalog import Catalog
from umtcli.media import AudioWriter, probe
from umtcli.pipeline import convert
from umtcli.pipeline.events import Event, JobAdvanced, JobFinished, JobStarted, OutputFinished
from umtcli.pipeline.runner import FILE_BLOCK_S


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


def test_each_of_many_files_tells_its_story_in_order(songs: list[Path], catalog: Catalog) -> None:
    events: list[Any] = []
    out = songs[0].parent / "out"
    results = convert(songs, "low,high", out, catalog=catalog, listener=events.append)
    wanted = [(str(song), domain) for song in songs for domain in ("low", "high")]
    assert [(result.input, result.domain) for result in results] == wanted
    planned, *told = events
    assert [job.source for job in planned.jobs] == songs
    for job in planned.jobs:
        own = [event for event in told if event.job == job]
        finished = [event.result for event in own if isinstance(event, OutputFinished)]
        advanced_s = [event.done_s for event in own if isinstance(event, JobAdvanced)]
        assert finished == [result for result in results if result.input == str(job.source)]
        assert advanced_s == sorted(advanced_s)
        assert [type(event) for event in own] == [
            JobStarted, *[JobAdvanced] * len(advanced_s), *[OutputFinished] * 2, JobFinished
        ]  # fmt: skip
