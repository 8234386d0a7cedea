"""What a file holds, without decoding more than its first frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from umtcli.media.decode import (
    check_readable,
    decode_error,
    read_header,
    shown,
    start_decoding,
)
from umtcli.media.process import FfmpegLog


@dataclass(frozen=True)
class Probe:
    """The facts about one audio file."""

    sample_rate: int
    """As stored (Hz)."""
    num_channels: int
    """As stored; a reader brings more than two to stereo."""
    duration_s: float | None
    """As the container says, to 10 ms; None if it does not."""
    codec: str
    """ffmpeg's name, e.g. `mp3`, `flac`, `pcm_s16le`."""
    container: str
    """ffmpeg's name, e.g. `mp3`, `ogg`, `mov,mp4,m4a,3gp,3g2,mj2`."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)


def probe(path: Path) -> Probe:
    """Ask ffmpeg what a file holds.

    ffprobe is not asked, because imageio-ffmpeg brings none: the first frame is decoded
    instead, whose header tells the same.

    Raises:
        DecodeError: the file is missing, empty, broken or holds no audio.
    """
    check_readable(path)
    process = start_decoding(path, downmix=False, max_frames=1)
    try:
        header = read_header(process, shown(path))
        samples = process.stdout.read()
        process.wait()
        log = process.log
        if not samples:
            raise decode_error(log, shown(path))
        return Probe(
            sample_rate=header.sample_rate,
            num_channels=header.num_channels,
            duration_s=duration_s(log),
            codec=_first(r"  Stream #0.*: Audio: (\w+)", log),
            container=_first(r"Input #0, (\S+), from", log),
            tags=header.tags,
        )
    finally:
        process.close()


def duration_s(log: FfmpegLog) -> float | None:
    """The duration that ffmpeg reads from the container; None if it is not there."""
    log.wait_for_description()
    for line in log.head:
        match = re.match(r"  Duration: (\d+):(\d\d):(\d\d\.\d+)", line)
        if match:
            return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
    return None


def promised_duration_s(log: FfmpegLog) -> float | None:
    """The duration if it is the audio's own and no estimate, so that less is a loss."""
    duration = duration_s(log)
    estimated = any("Estimating duration" in line for line in log.head)
    streams = [
        line
        for line in log.head
        if line.startswith("  Stream #0") and "attached pic" not in line and "Input" not in line
    ]
    return None if estimated or len(streams) != 1 else duration


def _first(pattern: str, log: FfmpegLog) -> str:
    matches = (re.match(pattern, line) for line in log.head)
    return next((match[1] for match in matches if match), "unknown")
