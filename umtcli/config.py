"""Where umt keeps what belongs to the user, and defaults that commands and pipeline share."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

BLEND_AT_S = 3.5
"""Where `umt blend` starts its crossfade, in seconds, unless told otherwise: as the paper."""
BLEND_CROSSFADE_S = 1.5
"""How long the crossfade is then, in seconds."""


def umt_home() -> Path:
    """The user's data folder: `UMT_HOME` if set, else the platform's place for such things.

    Its folders `encoders/` and `domains/` hold bundles that are found without a package.
    """
    given = os.environ.get("UMT_HOME")
    return Path(given) if given else platformdirs.user_data_path("umt", appauthor=False)
