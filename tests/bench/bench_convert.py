"""How fast and how small a conversion is on this machine: `make bench`.

Converts mp3s made from the repository's sample, stereo and mono, as whole processes, and prints
real-time factors and peak memory. Nothing here asserts: machines differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from umtcli.media import find_ffmpeg

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sample.flac"
MINUTES = (3, 60)
CHANNELS = (1, 2)


@dataclass(frozen=True)
class Measured:
    """One conversion, from the start of its process to its end."""

    minutes: int
    channels: int
    seconds: float
    real_time_factor: float
    peak_memory_mib: float


def make_mp3(path: Path, minutes: int, channels: int) -> None:
    """The sample again and again, as an mp3 of 44.1 kHz."""
    command = [find_ffmpeg(), "-v", "error", "-stream_loop", "-1", "-i", str(SAMPLE)]
    command += ["-t", str(60 * minutes), "-ac", str(channels), "-q:a", "4", str(path)]
    subprocess.run(command, check=True)


def measure(source: Path, minutes: int, channels: int) -> Measured:
    """Convert to piano and wait; the child's resources tell its peak memory."""
    command = [sys.executable, "-m", "umtcli", "convert", str(source), "--to", "piano"]
    command += ["-o", str(source.with_suffix(".wav")), "--quiet"]
    started = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)  # POSIX only
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB here
    return Measured(
        minutes, channels, seconds, 60 * minutes / seconds, usage.ru_maxrss * unit / 2**20
    )


def help_seconds() -> float:
    """The best of five times that `umt --help` takes."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "umtcli", "--help"], check=True, stdout=subprocess.DEVNULL
        )
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    """Measure and print, one JSON object a line."""
    print(json.dumps({"umt --help": round(help_seconds(), 3)}))
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        for minutes, channels in product(MINUTES, CHANNELS):
            source = Path(folder) / f"{minutes}-{channels}.mp3"
            make_mp3(source, minutes, channels)
            measured.append(measure(source, minutes, channels))
            print(json.dumps({k: round(v, 2) for k, v in asdict(measured[-1]).items()}))
    growth = measured[-1].peak_memory_mib / measured[len(CHANNELS) - 1].peak_memory_mib - 1
    print(json.dumps({"memory_growth": round(growth, 3)}))


if __name__ == "__main__":
    main()
