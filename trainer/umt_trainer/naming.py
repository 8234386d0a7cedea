"""What a new instrument may be called, and which encoder it learns on."""

from __future__ import annotations

import re
from pathlib import Path

from umtcli.bundle import BundleInfo
from umtcli.catalog import Catalog
from umtcli.errors import OutputExists, TrainingError, UsageError
from umtcli.plugins import USER_PACKAGE


def refuse_taken(catalog: Catalog, name: str, *, overwrite: bool) -> None:
    """Refuse a name that `umt convert --to NAME` already means something by.

    Raises:
        UsageError: a package has a domain of this name.
        OutputExists: the user has one, and `overwrite` was not given.
    """
    for domain in catalog.domains:
        if domain.name != name:
            continue
        if domain.package != USER_PACKAGE:
            raise UsageError(
                f"{domain.package} has a domain {name} already, so --to {name} would mean two. "
                "Choose another name."
            )
        if not overwrite:
            raise OutputExists(
                f"You have an instrument {name} already, in {domain.decoder}. "
                "--overwrite replaces it."
            )


def find_encoder(catalog: Catalog, family: str, fingerprint: str | None = None) -> Path:
    """The bundle of the family's encoder that is asked for, or of its newest generation.

    Raises:
        TrainingError: the family has no encoder here.
        UsageError: none has this fingerprint, or there are several of the newest generation.
    """
    own = [info for info in catalog.encoders.values() if info.family == family]
    if not own:
        raise TrainingError(f"No encoder of the {family} family is installed, and one is needed.")
    if fingerprint is None:
        newest = max(_generation(info) for info in own)
        found = [info for info in own if _generation(info) == newest]
    else:
        found = [info for info in own if info.space.fingerprint == fingerprint]
    if len(found) != 1:
        spaces = ", ".join(str(info.space) for info in own)
        raise UsageError(f"Say which encoder: --encoder takes the fingerprint of one of {spaces}.")
    return found[0].path


def _generation(info: BundleInfo) -> int:
    """The number in a latent space's name: 2 for `harmonic/2`.

    Names without one come before all others.
    """
    match = re.search(r"/(\d+)$", info.space.name)
    return int(match[1]) if match else -1
