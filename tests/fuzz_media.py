"""Media files damaged at random: `python tests/fuzz_media.py 250` reads 250 of each format.

Whatever they hold, reading one ends, in samples or in a `DecodeError`. The script ends with
a traceback where it does not, or where a file takes longer than two minutes.
"""

from __future__ import annotations

import faulthandler
import random
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from umtcli.errors import DecodeError
from umtcli.media import find_ffmpeg, open_audio

FORMATS = ("wav", "flac", "mp3", "ogg", "opus", "m4a", "aiff", "mka")
LONGEST_S = 600
"""A damaged head may promise days, of which no more is read."""
HANGS_S = 120


def make_music(folder: Path) -> dict[str, bytes]:
    """A short, tagged file of each format."""
    made = {}
    for name in FORMATS:
        path = folder / f"music.{name}"
        command = [find_ffmpeg(), "-v", "error", "-f", "lavfi", "-i", "sine=440:d=0.5"]
        subprocess.run([*command, "-ac", "2", "-metadata", "title=Gymnopédie", path], check=True)
        made[name] = path.read_bytes()
    return made


def damaged(data: bytes, seed: int) -> bytes:
    """A file with a few faults, most of them in its head; the same seed, the same faults."""
    chance = random.Random(seed)
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        end = chance.choice((64, 512, len(out)))
        at = chance.randrange(max(1, min(end, len(out))))
        fault = chance.randrange(6)
        if fault == 0 and out:
            out[at % len(out)] ^= 1 << chance.randrange(8)
        elif fault == 1:
            out[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
        elif fault == 2:
            out[at : at + 8] = chance.randbytes(8)
        elif fault == 3:
            del out[at : at + chance.choice((1, 2, 4, 512))]
        elif fault == 4:
            out[at:at] = out[: chance.choice((4, 64, 4096))]
        else:
            del out[max(1, at) :]
    return bytes(out)


def read_all(path: Path) -> str:
    """Read a file to its end and check what comes; what became of it."""
    try:
        with open_audio(path) as reader:
            for block in reader:
                assert block.dtype == np.float32
                assert block.shape[1] == reader.num_channels
                assert len(block) <= reader.sample_rate + 1
                if reader.num_samples > LONGEST_S * reader.sample_rate:
                    return "endless"
            return "whole" if reader.warning is None else "in part"
    except DecodeError as e:
        refused = str(e)
    assert str(path) in refused
    assert refused.isprintable()
    return "refused"


def fuzz(folder: Path, each: int) -> Iterator[tuple[str, str]]:
    """Damage each format so many times; yields the format and what became of it.

    Args:
        folder: an empty one.
        each: files of each format.
    """
    music = make_music(folder)
    for name, data in music.items():
        for seed in range(each):
            path = folder / f"damaged.{name}"
            path.write_bytes(damaged(data, seed))
            faulthandler.dump_traceback_later(HANGS_S, exit=True)
            try:
                yield name, read_all(path)
            finally:
                faulthandler.cancel_dump_traceback_later()
    left = {path.name for path in folder.iterdir()}
    assert left == {f"{kind}.{name}" for kind in ("music", "damaged") for name in FORMATS}


def main() -> None:
    """Read as many of each format as the command line says."""
    with tempfile.TemporaryDirectory() as folder:
        counts = Counter(fuzz(Path(folder), int(sys.argv[1])))
    for name in FORMATS:
        told = {what: count for (kind, what), count in sorted(counts.items()) if kind == name}
        sys.stdout.write(f"{name:5} {told}\n")
    for who, which in (("umt", resource.RUSAGE_SELF), ("ffmpeg", resource.RUSAGE_CHILDREN)):
        peak_mib = resource.getrusage(which).ru_maxrss / 1024
        sys.stdout.write(f"peak memory of {who}: {peak_mib:.0f} MiB\n")


if __name__ == "__main__":
    main()
