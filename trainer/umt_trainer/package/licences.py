"""Licences as package indexes want them."""

from __future__ import annotations

import re

KNOWN = (
    "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0",
    "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-4.0", "GPL-3.0-only",
    "GPL-3.0-or-later", "LGPL-3.0-or-later", "MIT", "MPL-2.0", "Unlicense",
)  # fmt: skip
"""The usual ones of sounds and of code, by their SPDX identifiers."""


def spdx_expression(licence: str) -> str:
    """An SPDX expression for a licence in any words.

    Build tools refuse what they do not know; `LicenseRef-…` is the standard's way to name a
    licence of one's own.

    >>> spdx_expression("cc by-nc 4.0")
    'CC-BY-NC-4.0'
    >>> spdx_expression("Free for friends!")
    'LicenseRef-Free-for-friends'
    """
    words = re.sub(r"[^A-Za-z0-9.]+", "-", licence).strip("-.")
    known = {name.lower(): name for name in KNOWN}
    return known.get(words.lower(), f"LicenseRef-{words or 'unnamed'}")
