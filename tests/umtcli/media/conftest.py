"""Sounds and files that the tests of media are made of."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pytest

from umtcli.media import AudioReader, AudioWriter, find_ffmpeg

Samples = npt.NDArray[np.float32]


@pytest.fixture
def tone() -> Callable[..., Samples]:
    """A function that makes sines, (T, C): one frequency for each channel."""

    def make(
        *frequencies_hz: float, num_samples: int, sample_rate: int = 44100, gain: float = 0.5
    ) -> Samples:
        time_s = np.arange(num_samples)[:, None] / sample_rate
        return (gain * np.sin(2 * np.pi * np.array(frequencies_hz) * time_s)).astype(np.float32)

    return make


@pytest.fixture
def stereo(tone: Callable[..., Samples]) -> Samples:
    """Two seconds and a bit, no whole number of anybody's frames."""
    return tone(440, 660, num_samples=2 * 44100 + 777)


@pytest.fixture
def make_file(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes a file with ffmpeg, from output options or from samples."""

    def make(
        name: str, *options: str, source: str = "sine=440:d=2", samples: Samples | None = None
    ) -> Path:
        path = tmp_path / name
        given = ["-f", "lavfi", "-i", source]
        if samples is not None:
            given = ["-f", "f32le", "-ar", "44100", "-ac", str(samples.shape[1]), "-i", "pipe:0"]
        subprocess.run(
            [find_ffmpeg(), "-v", "error", "-y", *given, *options, f"file:{path}"],
            input=None if samples is None else samples.astype("<f4").tobytes(),
            check=True,
        )
        return path

    return make


@pytest.fixture
def write() -> Callable[..., Path | BinaryIO]:
    """A function that writes samples into a file or stream, in pieces, and gives it back."""

    def make(
        target: Path | BinaryIO,
        samples: Samples,
        *,
        cuts: Sequence[int] = (10_000, 50_000),
        **options: Any,
    ) -> Path | BinaryIO:
        options = {"sample_rate": 44100, "num_channels": samples.shape[1]} | options
        with AudioWriter(target, **options) as writer:
            for piece in np.split(samples, cuts):
                writer.write(piece)
        return target

    return make


@pytest.fixture(params=["imageio", "path"])
def any_ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Runs a test twice: with imageio-ffmpeg's and with the one on the PATH, if there is one."""
    monkeypatch.delenv("UMT_FFMPEG", raising=False)
    if request.param == "path" and shutil.which("ffmpeg"):
        monkeypatch.setenv("UMT_FFMPEG", "ffmpeg")
    return find_ffmpeg()


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    with pytest.raises(ChildProcessError):  # there are no children to wait for
        os.waitpid(-1, os.WNOHANG)


@pytest.fixture
def read_all() -> Callable[[AudioReader], Samples]:
    """A function that reads to the end and closes."""

    def read(reader: AudioReader) -> Samples:
        with reader:
            return np.concatenate(list(reader))

    return read


_UNDER_A_LIMIT = """
import json, resource, sys
from pathlib import Path
import numpy as np
from umtcli.errors import EncodeError
from umtcli.media import AudioWriter

name, limit_bytes, num_samples, tags = json.loads(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
noise = np.random.default_rng(0).standard_normal((44100, 2)).astype(np.float32) / 8
try:
    with AudioWriter(Path(name), sample_rate=44100, num_channels=2, tags=tags) as writer:
        for start in range(0, num_samples, len(noise)):
            writer.write(noise[: num_samples - start])
    print("written")
except EncodeError as e:
    print(e)
"""


@pytest.fixture
def write_under_a_limit(tmp_path: Path) -> Callable[..., str]:
    """A function that writes noise where no file may be larger; gives `written`, or the error."""

    def write(name: str, limit_bytes: int, num_samples: int, **tags: str) -> str:
        given = json.dumps([name, limit_bytes, num_samples, tags])
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", _UNDER_A_LIMIT, given],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stderr == ""
        return run.stdout.rstrip("\n")

    return write
