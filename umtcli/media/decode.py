"""Starts the decoding of one input, and says in one line why it cannot be decoded."""

from __future__ import annotations

import os
import re
from pathlib import Path

from umtcli.errors import DecodeError
from umtcli.media.caf import CafHeader, read_caf_header
from umtcli.media.ffmpeg import PIPE_IN, decode_command, file_url
from umtcli.media.process import FfmpegLog, FfmpegProcess

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""Of inputs, in Hz. A byte at 1 Hz is a second of sound, and memory holds whole seconds."""


def check_readable(path: Path) -> None:
    """Refuse what ffmpeg need not be asked about.

    Raises:
        DecodeError: there is no such file, it is a folder, it is empty or locked.
    """
    name = shown(path)
    try:
        size_bytes = path.stat().st_size
    except (OSError, ValueError) as e:
        reason = "no such file" if isinstance(e, FileNotFoundError) else _os_reason(e)
        raise DecodeError(f"Cannot decode {name}: {reason}. Is the path right?") from e
    if path.is_dir():
        raise DecodeError(f"Cannot decode {name}: it is a folder. Name the files in it.")
    if not os.access(path, os.R_OK):
        raise DecodeError(f"Cannot decode {name}: permission denied. Are you its owner?")
    if size_bytes == 0 and path.is_file():
        raise DecodeError(f"Cannot decode {name}: the file is empty. Was it copied whole?")


def start_decoding(path: Path, *, downmix: bool, max_frames: int | None = None) -> FfmpegProcess:
    """Start ffmpeg on a regular file; its stdout is a CAF stream. See `decode_command`."""
    url = file_url(path)
    return FfmpegProcess(
        decode_command(url, downmix=downmix, max_frames=max_frames), feed=url == PIPE_IN
    )


def read_header(process: FfmpegProcess, name: str) -> CafHeader:
    """The head of a decoding; what follows on the process's stdout is samples.

    Raises:
        DecodeError: ffmpeg gave up before the first sample, or there is none that makes
            sense. The process is left to close.
    """
    header = read_caf_header(process.stdout)
    if header is None:
        process.wait()
        raise decode_error(process.log, name)
    if not LOWEST_RATE <= header.sample_rate <= HIGHEST_RATE:
        raise DecodeError(
            f"Cannot decode {name}: its sample rate is {header.sample_rate} Hz, and umt reads "
            f"{LOWEST_RATE} … {HIGHEST_RATE} Hz. Is its head damaged?"
        )
    return header


def decode_error(log: FfmpegLog, name: str) -> DecodeError:
    """What to raise when nothing was decoded.

    Args:
        log: of the ended ffmpeg.
        name: of the input, for the message.
    """
    if log.guessed:
        return DecodeError(f"Cannot decode {name}: {_NO_AUDIO}. Is it the right file?")
    reason = log.reason()
    if reason is None or "received no packets" in reason or "before EOF" in reason:
        return DecodeError(f"Cannot decode {name}: it holds no audio. Is it the right file?")
    for pattern, said, hint in _EXPLANATIONS:
        if re.search(pattern, reason):
            return DecodeError(f"Cannot decode {name}: {said or reason}. {hint}")
    return DecodeError(f"Cannot decode {name}: {reason}. Is it an audio file?")


_NO_AUDIO = "nothing in it can be read as audio"

_EXPLANATIONS = (
    (r"^Invalid data found when processing input$", _NO_AUDIO, "Is it the right file?"),
    (
        r"not on whitelist|not in whitelist",
        "it is a playlist, or of a format that umt does not open",
        "Give the audio file itself.",
    ),
    (r"matches no streams", "it holds no audio", "Is it the right file?"),
    (
        r"not enough information",
        "its many channels have no names, so they cannot be mixed to stereo",
        "Mix it to stereo first.",
    ),
    (r"atom not found|End of file|partial file", "", "Is the file complete?"),
)
"""Pattern in ffmpeg's reason, what to say instead of it, what to try."""


def shown(path: Path | str) -> str:
    r"""A path as messages show it: on one line, whatever its name holds.

    >>> shown("two\nlines.mp3")
    'two\\nlines.mp3'
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))


def _os_reason(e: Exception) -> str:
    strerror = e.strerror if isinstance(e, OSError) else None
    return (strerror or str(e)).lower()
