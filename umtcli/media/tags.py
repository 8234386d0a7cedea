"""Tags on their way in and out: the same keys whatever the container."""

from __future__ import annotations

from collections.abc import Mapping

_ABOUT_THE_FILE = frozenset(
    (
        "compatible_brands",
        "creation_time",
        "duration",
        "encoder",
        "handler_name",
        "language",
        "major_brand",
        "minor_version",
        "vendor_id",
    )
)
"""What ffmpeg lists beside the tags though it tells of the file, not of the music."""

_LONGEST = 60_000
"""Linux takes 128 KiB an argument; lyrics fit, pictures as text do not."""


def tidy_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as read: keys in lower case, without what tells only of the file itself.

    >>> tidy_tags({"ARTIST": "Satie", "encoder": "Lavf59.27.100"})
    {'artist': 'Satie'}
    """
    lowered = {key.lower(): value for key, value in tags.items()}
    return {key: value for key, value in lowered.items() if key not in _ABOUT_THE_FILE}


def writable_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags that any back end can write: no NUL, no `=` in a key, no book-sized values."""
    return {
        _plain(key): _plain(value)
        for key, value in tags.items()
        if key and "=" not in key and len(value) <= _LONGEST
    }


def _plain(text: str) -> str:
    """Without what ends a string in C; half a UTF-16 pair, which JSON may hold, becomes `?`."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
