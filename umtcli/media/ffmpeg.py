"""Where ffmpeg is, and how its command lines are built.

Every command is an argument list, never a shell line. Inputs are local files or
standard input and nothing else: a file that is really a playlist must not make
ffmpeg open other files or the network on a user's behalf.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umtcli.errors import MediaError
from umtcli.media.demuxers import DEMUXERS
from umtcli.media.tags import writable_tags

if TYPE_CHECKING:
    from umtcli.media.formats import Format

PIPE_IN, PIPE_OUT = "pipe:0", "pipe:1"

_QUIET = ("-hide_banner", "-nostats", "-loglevel", "repeat+level+info")
"""Each line of stderr carries its level; `repeat` forbids "last message repeated n times"."""


def find_ffmpeg() -> str:
    """The ffmpeg to run: `UMT_FFMPEG`, else imageio-ffmpeg's, else the one on the PATH.

    imageio-ffmpeg's is one file and starts in half the time of a distribution's, which loads some
    two hundred libraries.

    Raises:
        MediaError: there is none, or `UMT_FFMPEG` names none.
    """
    wanted = os.environ.get("UMT_FFMPEG")
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise MediaError(
                f"Cannot run UMT_FFMPEG={wanted}: no such program. Unset it or fix it."
            )
        return found
    import imageio_ffmpeg

    try:
        known = str(imageio_ffmpeg.get_ffmpeg_exe())  # "ffmpeg" if it has none, and the PATH has
        return shutil.which(known) or known
    except RuntimeError as e:
        raise MediaError(
            "Cannot find ffmpeg: it is neither in the imageio-ffmpeg package nor on the PATH. "
            "Install ffmpeg, or name it in UMT_FFMPEG."
        ) from e


def ffmpeg_version() -> str:
    """The version of that ffmpeg, e.g. `5.1.9-0+deb12u1`.

    Raises:
        MediaError: there is none, or it does not run.
    """
    program = find_ffmpeg()
    try:
        run = subprocess.run(  # noqa: S603 - an argument list of our own
            [program, "-version"], stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as e:
        raise MediaError(f"Cannot run {program}: {e}. Install ffmpeg again.") from e
    first_line = run.stdout.decode("utf-8", "replace").partition("\n")[0]
    match = re.match(r"ffmpeg version (\S+)", first_line)
    return match[1] if match else first_line


def file_url(path: Path) -> str:
    """A path as ffmpeg takes it without reading anything into it.

    The prefix keeps leading dashes from being options and colons from being protocols.

    >>> file_url(Path("concat:a|b.wav"))
    'file:concat:a|b.wav'
    """
    return f"file:{path}"


def decode_command(
    url: str,
    *,
    downmix: bool = True,
    max_frames: int | None = None,
    probe_bytes: int | None = None,
) -> list[str]:
    """The command that decodes the first audio stream of `url` to CAF on standard output.

    CAF, because its header comes before the samples and holds what a raw stream lacks:
    sample rate, channels and every tag in full, the same way for files and pipes.

    Args:
        url: from `file_url`, or `PIPE_IN`.
        downmix: bring more than two channels to stereo by ffmpeg's standard matrix.
        max_frames: stop after so many codec frames.
        probe_bytes: how much of the input to look through before anything is decoded;
            ffmpeg's own 5 MB if None.
    """
    import ffmpeg

    options: dict[str, Any] = {
        "acodec": "pcm_f32le",
        "format": "caf",
        "fflags": "+bitexact",  # else ffmpeg adds itself as a tag
    }
    if downmix:
        options["af"] = "aformat=channel_layouts=mono|stereo"
    if max_frames is not None:
        options["frames:a"] = max_frames
    probing = {} if probe_bytes is None else {"probesize": probe_bytes}
    source = ffmpeg.input(
        url,
        protocol_whitelist="pipe" if url == PIPE_IN else "file",
        format_whitelist=",".join(DEMUXERS),
        vn=None,
        sn=None,
        dn=None,
        **probing,
    )
    command = source["a:0"].output(PIPE_OUT, **options).compile(cmd=find_ffmpeg())
    # tags are in the container of most formats, but in the stream of Ogg's
    tags = ["-map_metadata", "0", "-map_metadata", "0:s:a:0"]
    return _completed(command, tags, url)


def encode_command(
    url: str,
    output: Format,
    *,
    sample_rate: int,
    num_channels: int,
    bits: int,
    tags: Mapping[str, str],
) -> list[str]:
    """The command that encodes raw samples from standard input into `url`.

    Args:
        url: from `file_url`, or `PIPE_OUT`.
        output: container and codec.
        sample_rate: of the raw samples (Hz).
        num_channels: of the raw samples, interleaved.
        bits: what the codec stores; decides the raw samples' type, see `Format.raw`.
        tags: written as the container's own metadata, where it has any.
    """
    import ffmpeg

    source = ffmpeg.input(
        PIPE_IN,
        format=output.raw(bits),
        ar=sample_rate,
        ac=num_channels,
        # raw samples hold nothing to look for; by default ffmpeg looks for seconds, silently
        probesize=32,
        analyzeduration=0,
    )
    options = output.options(bits, piped=url == PIPE_OUT)
    command = (
        source["a:0"]
        .output(
            url,
            map_metadata="-1",
            fflags="+bitexact",  # no version or date in the file: the same bytes on each run
            **{"flags:a": "+bitexact", "threads": 1},
            **options,
        )
        .compile(cmd=find_ffmpeg())
    )
    metadata = [
        argument
        for key, value in writable_tags(tags).items()
        for argument in ("-metadata", f"{key}={value}")
    ]
    return [*_completed(command, metadata, PIPE_IN), "-y"]


def _completed(command: list[str], repeated: list[str], input_url: str) -> list[str]:
    """What ffmpeg-python cannot say: options given more than once, and those that come first."""
    stdin = () if input_url == PIPE_IN else ("-nostdin",)
    program, *arguments, output_url = command
    return [program, *_QUIET, *stdin, *arguments, *repeated, output_url]
