"""Installing the authors' published MusicNet models as six domains of the user.

Their licence forbids bundling and allows this: users download the zip themselves, and what
it becomes stays in their own data folder.
"""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from umt_domains.wavenet.config import (
    FRONT_END_VERSION,
    SAMPLE_RATE,
    EncoderConfig,
    to_mapping,
)
from umt_domains.wavenet.encoder import latent_space
from umt_domains.wavenet.fair_files import FairZip, table
from umt_domains.wavenet.fair_names import decoder_tensors, encoder_tensors, read_sizes
from umtcli.bundle import BundleInfo, read_info, write_bundle
from umtcli.errors import OutputExists, UmtError

LICENCE = "CC BY-NC 4.0"
SPACE = "wavenet/musicnet"
SPACE_FILE = SPACE.replace("/", "-")
DOMAINS = {
    "bach-cello": "Bach, solo cello",
    "beethoven-piano": "Beethoven, solo piano",
    "cambini-winds": "Cambini, wind quintet",
    "bach-piano": "Bach, solo piano",
    "beethoven-violin": "Beethoven, accompanied violin",
    "beethoven-quartet": "Beethoven, string quartet",
}
"""In the order of the authors' files: `bestmodel_0.pth` is the first."""

_AUTHORS = "Mor, Wolf, Polyak and Taigman, arXiv:1805.07848"


def import_fair(
    path: Path, home: Path, which: str = "best", *, overwrite: bool = False
) -> list[BundleInfo]:
    """Install all six domains and the encoder they share, or nothing.

    Args:
        path: the authors' `pretrained_musicnet.zip`.
        home: the user's data folder.
        which: `best` or `last`, as the files are named.
        overwrite: replace domains of these names that are there already.

    Returns:
        The installed domains.

    Raises:
        FairError: the zip is not what the authors published.
        OutputExists: another domain has one of the names.
        UmtError: the data folder cannot be written.
    """
    with FairZip(path) as archive:
        try:
            home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".import-", dir=home) as folder:
                _write_all(archive, which, Path(folder))
                return _move(Path(folder), home, overwrite=overwrite)
        except OSError as e:
            raise UmtError(f"Cannot install into {home}: {e.strerror}. Is there space?") from e


def _write_all(archive: FairZip, which: str, stage: Path) -> None:
    """Write every bundle into a folder of ours, where a failure leaves nothing behind."""
    encoder, decoder = read_sizes(archive.load("args.pth"))
    for number, name in enumerate(DOMAINS):
        member = f"{which}model_{number}.pth"
        state = table(archive.load(member), member)
        heard = _write_encoder(stage / "encoders", state.get("encoder_state"), encoder)
        write_bundle(
            stage / "domains" / f"{name}.safetensors",
            kind="decoder",
            family="wavenet",
            name=name,
            config=to_mapping(decoder),
            space=heard.space,
            sample_rate=SAMPLE_RATE,
            provenance=_provenance(DOMAINS[name], f"MusicNet: {DOMAINS[name]}", member),
            tensors=decoder_tensors(state.get("decoder_state"), decoder),
        )


def _write_encoder(folder: Path, state: Any, config: EncoderConfig) -> BundleInfo:
    """Write the encoder that a file brings: the same one each time, if all is as published.

    It is named by its fingerprint. So there is one file for one encoder, and another import
    leaves it to domains that were trained on it.
    """
    info = write_bundle(
        folder / "encoder.safetensors",
        kind="encoder",
        family="wavenet",
        name=SPACE,
        config=to_mapping(config),
        space=latent_space(SPACE, config),
        sample_rate=SAMPLE_RATE,
        provenance=_provenance("hears any music", "MusicNet: six domains", "encoder_state"),
        tensors=encoder_tensors(state, config),
        front_end_version=FRONT_END_VERSION,
    )
    return read_info(
        info.path.replace(folder / f"{SPACE_FILE}-{info.space.fingerprint}.safetensors")
    )


def _provenance(description: str, data: str, member: str) -> dict[str, str]:
    return {
        "licence": LICENCE,
        "description": description,
        "data": data,
        "recipe": f"published by the authors ({_AUTHORS}); {member} through umt import-fair",
    }


def _move(stage: Path, home: Path, *, overwrite: bool) -> list[BundleInfo]:
    """Put the staged bundles in their places, the encoders first."""
    encoders, domains = (sorted((stage / kind).iterdir()) for kind in ("encoders", "domains"))
    targets = {path: home / path.relative_to(stage) for path in (*encoders, *domains)}
    for path, target in targets.items():
        if target.is_dir():
            raise OutputExists(f"{target} is a folder; a domain cannot be installed there.")
        if target.exists() and not overwrite and not filecmp.cmp(path, target, shallow=False):
            raise OutputExists(
                f"{target} is there already and is not what would be installed. "
                "--overwrite replaces it."
            )
    _replace_all(targets, stage / "replaced")
    return [read_info(home / "domains" / f"{name}.safetensors") for name in DOMAINS]


def _replace_all(targets: Mapping[Path, Path], kept: Path) -> None:
    """Move every file to its target, or leave every target as it was.

    Args:
        targets: for each file its place.
        kept: a folder that is made, for copies of what is replaced.
    """
    kept.mkdir()
    for target in targets.values():
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.copy2(target, kept / target.name)
    touched: list[Path] = []
    try:
        for path, target in targets.items():
            touched.append(target)
            path.replace(target)
    except BaseException:  # Ctrl-C, too, may come between two files
        for target in touched:
            if (kept / target.name).exists():
                (kept / target.name).replace(target)
            else:
                target.unlink(missing_ok=True)
        raise
