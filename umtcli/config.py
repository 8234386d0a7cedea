"""Where umt keeps what belongs to the user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def umt_home() -> Path:
    """The user's data folder: `UMT_HOME` if set, else the platform's place for such things.

    Its folders `encoders/` and `domains/` hold bundles that are found without a package.
    """
    given = os.environ.get("UMT_HOME")
    return Path(given) if given else platformdirs.user_data_path("umt", appauthor=False)
