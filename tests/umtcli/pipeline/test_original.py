"""The original in an output: as it was, in time, and as loud as what is played beside it."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import numpy as np
import pytest

from conversions import convert_one
from piping import PatientSource, Sink
from signals import Wave, lufs, noise, read, silence, write
from toy import DECODER_RATE
from umtcli.catalog import Catalog
from umtcli.errors import OutputExists, UsageError
from umtcli.media import probe
from umtcli.pipeline import Request, convert, run
from umtcli.pipeline.original import Queue
from umtcli.pipeline.runner import FILE_BLOCK_S


def mixture(played: Wave, original: Wave, share: float) -> Wave:
    """Both at the same loudness, in float64 and all at once."""
    return (1 - share) * played.astype(float) + share * original.astype(float)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_a_mixture_is_what_is_played_and_the_original_in_their_shares(
    tmp_path: Path, catalog: Catalog, share: float, channels: int
) -> None:
    wave = noise(2.3 * FILE_BLOCK_S, channels=channels)
    path = write(tmp_path / "in.wav", wave)
    played, _, _ = convert_one(path, catalog, rate=44_100)
    out, rate, result = convert_one(path, catalog, rate=44_100, mix=share, overwrite=True)
    wanted = mixture(played, wave, share)
    assert out.shape == wave.shape
    assert lufs(out, rate) == pytest.approx(lufs(wave, rate), abs=0.1)
    # the mixture's own gain, by its best fit
    gain = float((out * wanted).sum() / np.square(wanted).sum())
    assert 1 < gain < 2  # two sounds that know nothing of each other are softer together
    assert np.abs(out - gain * wanted).max() < 1e-3 * np.abs(wanted).max()
    assert not result.limited_by_ceiling


def test_the_original_alone_is_the_input(tmp_path: Path, catalog: Catalog) -> None:
    wave = noise(3.0)
    out, _, result = convert_one(write(tmp_path / "in.wav", wave), catalog, rate=44_100, mix=1.0)
    assert result.gain_db == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(out, wave, atol=1e-6)


@pytest.mark.parametrize("num_samples", [3, 81, 30_001])
@pytest.mark.parametrize("rate_in", [8_000, 44_100])
def test_a_mixture_is_as_long_as_its_input_at_any_rate(
    tmp_path: Path, catalog: Catalog, rate_in: int, num_samples: int
) -> None:
    path = write(tmp_path / "in.wav", noise(4.0, 8_000)[:num_samples], rate_in)
    out, rate, _ = convert_one(path, catalog, mix=0.4)
    assert rate == DECODER_RATE
    assert len(out) == round(num_samples * DECODER_RATE / rate_in)


def test_a_mixture_peaks_under_the_ceiling(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(3.0, level=0.9))
    out, _, result = convert_one(path, catalog, mix=0.5)
    assert result.limited_by_ceiling
    assert 20 * np.log10(np.abs(out).max()) <= -0.99


def test_silence_stays_silence(tmp_path: Path, catalog: Catalog) -> None:
    out, _, _ = convert_one(write(tmp_path / "in.wav", silence(1.0)), catalog, mix=0.5)
    assert not out.any()


def test_every_output_of_an_input_is_mixed(tmp_path: Path, catalog: Catalog) -> None:
    wave = noise(2.0)
    path = write(tmp_path / "in.wav", wave)
    results = convert(path, "low,high", catalog=catalog, rate=44_100, bits=32, mix=1.0)
    for result in results:
        np.testing.assert_allclose(read(Path(result.output))[0], wave, atol=1e-6)


def test_a_pipe_is_mixed_before_its_input_ends(tmp_path: Path, catalog: Catalog) -> None:
    wave = noise(8.0)
    data = write(tmp_path / "in.wav", wave).read_bytes()
    came_out = threading.Event()
    source, sink = PatientSource(data, came_out), Sink(came_out)
    request = Request(("-",), ("low",), "-", rate=44_100, bits=32, mix=1.0)
    (result,) = run(request, catalog, stdin=source, stdout=sink)
    assert result.error is None
    assert source.in_time
    (tmp_path / "out.wav").write_bytes(sink.getvalue())
    out, rate = read(tmp_path / "out.wav")
    assert out.shape == wave.shape
    # the original has the level that is asked for: no gain has anything to do
    assert np.abs(out - wave).max() < 0.03 * np.abs(wave).max()
    assert lufs(out, rate) == pytest.approx(lufs(wave, rate), abs=0.2)


def test_a_pipe_gives_a_file_as_a_file_does(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(3.0))
    wanted, _, _ = convert_one(path, catalog, mix=0.3)
    target = tmp_path / "piped.wav"
    request = Request(("-",), ("low",), str(target), bits=32, mix=0.3)
    (result,) = run(request, catalog, stdin=io.BytesIO(path.read_bytes()))
    assert result.error is None
    np.testing.assert_array_equal(read(target)[0], wanted)


def test_another_share_is_another_output(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.wav", noise(1.0))
    for share in (0.5, 0.5):
        (result,) = convert(path, "low", catalog=catalog, mix=share)
        assert result.error is None
    (result,) = convert(path, "low", catalog=catalog, mix=0.6)
    assert isinstance(result.error, OutputExists)
    assert "with other options" in str(result.error)


def test_an_output_says_how_much_of_it_is_the_original(tmp_path: Path, catalog: Catalog) -> None:
    path = write(tmp_path / "in.flac", noise(1.0))
    convert(path, "low", catalog=catalog, mix=0.25)
    assert "0.25 of it the original" in probe(tmp_path / "in-low.flac").tags["comment"]


@pytest.mark.parametrize("share", [-0.1, 1.01, float("nan"), float("inf")])
def test_a_share_that_is_none_is_refused(tmp_path: Path, catalog: Catalog, share: float) -> None:
    path = write(tmp_path / "in.wav", noise(1.0))
    with pytest.raises(UsageError, match=r"--mix takes 0 .* 1 .* not"):
        convert(path, "low", catalog=catalog, mix=share)


def test_a_queue_gives_in_order_what_it_took() -> None:
    queue, numbers = Queue(2), np.arange(20, dtype=np.float32).reshape(10, 2)
    queue.write(numbers[:3])
    queue.write(numbers[3:])
    taken = [queue.take(n) for n in (0, 4, 1, 5)]
    np.testing.assert_array_equal(np.concatenate(taken), numbers)
