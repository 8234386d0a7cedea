"""The formats umt writes, and how ffmpeg is told to write each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from umtcli.errors import EncodeError

_RAW = {16: "s16le", 24: "s32le", 32: "f32le"}
"""ffmpeg's name of the samples we hand over, by bits stored. 24 travel atop 32."""


@dataclass(frozen=True)
class Format:
    """One container with its codec."""

    name: str
    """What users call it, and the suffix of its files."""
    muxer: str
    codec: str
    """ffmpeg's encoder; `pcm_le` and `pcm_be` stand for the one of the wanted bits."""
    quality: dict[str, Any] = field(default_factory=dict, hash=False)
    """More output options."""
    to_file: dict[str, Any] = field(default_factory=dict, hash=False)
    """Those for a file only."""
    to_pipe: dict[str, Any] | None = field(default_factory=dict, hash=False)
    """Those for a pipe only; None if the muxer must seek back, and a pipe cannot."""
    max_bytes: int | None = None
    """What the container's size field can count, if that is less than a disk holds."""

    @property
    def is_lossy(self) -> bool:
        """Whether the encoder takes float, so that nothing is to be quantised before it."""
        return not self.codec.startswith(("pcm", "flac", "alac"))

    def raw(self, bits: int) -> str:
        """Raw samples this format is made from, as ffmpeg names them."""
        return "f32le" if self.is_lossy else _RAW[bits]

    def options(self, bits: int, *, piped: bool) -> dict[str, Any]:
        """Muxer, encoder and quality as ffmpeg's output options."""
        options = {"format": self.muxer, "acodec": self.codec}
        if self.codec in ("pcm_le", "pcm_be"):
            kind = "f" if bits == 32 else "s"
            options["acodec"] = f"pcm_{kind}{bits}{self.codec[-2:]}"
        elif self.codec == "flac":
            options["sample_fmt"] = "s16" if bits == 16 else "s32"
        elif self.codec == "alac":
            options["sample_fmt"] = "s16p" if bits == 16 else "s32p"
        return options | self.quality | ((self.to_pipe or {}) if piped else self.to_file)


_FOUR_GB = (1 << 32) - (1 << 16)  # less room for the head and tags
_BRICKS = {"movflags": "frag_keyframe+empty_moov"}  # an index after the samples needs a seek

_FORMATS = (
    # `auto` keeps room for RF64's 64-bit sizes and uses it only beyond 4 GB
    Format("wav", "wav", "pcm_le", to_file={"rf64": "auto"}),
    Format("rf64", "wav", "pcm_le", to_file={"rf64": "always"}, to_pipe=None),
    Format("caf", "caf", "pcm_le"),
    Format("aiff", "aiff", "pcm_be", {"write_id3v2": 1}, to_pipe=None, max_bytes=_FOUR_GB),
    Format("au", "au", "pcm_be"),
    Format("flac", "flac", "flac"),
    Format("alac", "ipod", "alac", to_pipe=_BRICKS),
    Format("mp3", "mp3", "libmp3lame", {"q:a": 2}),
    Format("m4a", "ipod", "aac", {"b:a": "192k"}, to_pipe=_BRICKS),
    Format("aac", "adts", "aac", {"b:a": "192k"}),
    # ffmpeg trims a Vorbis stream of a single page wrongly: short pages save short clips
    Format("ogg", "ogg", "libvorbis", {"q:a": 6, "page_duration": 20_000}),
    Format("opus", "opus", "libopus", {"b:a": "160k"}),
    Format("mka", "matroska", "libopus", {"b:a": "160k"}),
    Format("webm", "webm", "libopus", {"b:a": "160k"}),
)
_ALIASES = {"wave": "wav", "aif": "aiff", "oga": "ogg", "mp4": "m4a", "m4b": "m4a", "snd": "au"}


def supported_formats() -> list[str]:
    """The names that `AudioWriter` takes as `format`, which are also the suffixes it knows."""
    return [output.name for output in _FORMATS]


def find_format(name: str, path: str) -> Format:
    """The format of a name or suffix.

    Args:
        name: e.g. `flac` or `.FLAC`.
        path: for the message.

    Raises:
        EncodeError: umt does not write it.
    """
    wanted = name.lower().removeprefix(".")
    wanted = _ALIASES.get(wanted, wanted)
    for output in _FORMATS:
        if output.name == wanted:
            return output
    what = f"umt writes no format {wanted!r}" if wanted else "its name has no suffix"
    choice = ", ".join(supported_formats())
    raise EncodeError(f"Cannot write {path}: {what}. Choose one of {choice}.")
