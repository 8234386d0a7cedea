"""Many short files against one long file of the same music: what a file costs besides its music.

    python tests/bench/bench_clips.py [CLIPS] [TO]

Prints seconds and the ratio of throughputs (1: a file costs nothing by itself). Both run in
this process, networks loaded, in turn. Nothing here asserts: machines differ.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from umtcli.media import find_ffmpeg
from umtcli.pipeline import convert

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sample.flac"
CLIP_S = 10
ROUNDS = 2


def make(path: Path, seconds: float, start_s: float = 0.0) -> Path:
    """The sample again and again, as a stereo wav of 44.1 kHz, from a second on."""
    command = [find_ffmpeg(), "-v", "error", "-stream_loop", "-1", "-i", str(SAMPLE)]
    command += ["-ss", str(start_s), "-t", str(seconds), "-ac", "2", "-ar", "44100", str(path)]
    subprocess.run(command, check=True)
    return path


def seconds(inputs: list[Path], to: str, output: Path) -> float:
    """How long it takes to convert these."""
    started = time.perf_counter()
    results = convert(inputs, to, f"{output}/", overwrite=True)
    taken = time.perf_counter() - started
    failed = [result.error for result in results if result.error]
    if failed:
        raise SystemExit(str(failed[0]))
    return taken


def main() -> None:
    """Measure and print, one JSON object a line."""
    num_clips = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    to = sys.argv[2] if len(sys.argv) > 2 else "piano"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = make(folder / "whole.wav", num_clips * CLIP_S)
        clips = [
            make(folder / f"{number}.wav", CLIP_S, number * CLIP_S) for number in range(num_clips)
        ]
        seconds(clips[:1], to, folder / "out")  # what is paid once
        long_s = clips_s = 0.0
        for _ in range(ROUNDS):
            long_s += seconds([whole], to, folder / "out")
            clips_s += seconds(clips, to, folder / "out")
    music_s = ROUNDS * num_clips * CLIP_S
    print(json.dumps({"one file": round(long_s, 2), "real time": round(music_s / long_s, 1)}))
    print(json.dumps({"clips": round(clips_s, 2), "real time": round(music_s / clips_s, 1)}))
    print(json.dumps({"ratio": round(long_s / clips_s, 3)}))


if __name__ == "__main__":
    main()
