"""Reading the authors' `pretrained_musicnet.zip`, of which nothing is trusted.

    args.pth            a list: argparse.Namespace of sizes and paths, epoch
    bestmodel_K.pth     a dict: encoder_state, decoder_state, … of domain K
    lastmodel_K.pth     the same, at the end of training

PyTorch 1.0.1 wrote them as pickles. They are read by torch's restricted unpickler, which
calls nothing that is not on its list; ours adds `Namespace` and a stand-in for paths. No
member is ever written to disk under its own name.
"""

from __future__ import annotations

import argparse
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import torch

from umtcli.errors import UmtError

MEMBER_LIMIT_BYTES = 512 << 20
"""Of an unpacked file. The published ones, optimizer states included, are about 100 MB."""
MAX_MEMBERS = 1000


class FairError(UmtError):
    """The zip is not what the authors published. Nothing was installed."""


class FairZip:
    """The authors' zip, open for reading; a context manager.

    Raises:
        FairError: it is no zip, or one that no honest tool would write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError as e:
            raise FairError(f"Cannot read {path}: {e.strerror}.") from e
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as e:
            raise FairError(f"{path} is not a whole zip file. Was the download cut off?") from e
        try:
            self._members = self._checked_members()
        except FairError:
            self._archive.close()
            raise

    def __enter__(self) -> FairZip:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def load(self, name: str) -> Any:
        """Unpickle one member, in whatever folder of the zip it lies.

        Args:
            name: of the file, e.g. `bestmodel_0.pth`.

        Raises:
            FairError: it is missing, damaged, or holds more than weights and settings.
        """
        if name not in self._members:
            raise FairError(
                f"{self.path} has no {name}. Is it the authors' pretrained_musicnet.zip?"
            )
        try:
            data = self._archive.read(self._members[name])
        except Exception as e:  # zipfile lets errors of every decompressor through
            raise FairError(f"{self.path} is damaged: {name} cannot be unpacked.") from e
        if data[:2] == b"PK":
            # a zip in the zip could unpack to any size
            raise FairError(f"{name} in {self.path} is not in the format the authors used.")
        try:
            with torch.serialization.safe_globals(_allowed()):
                return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except Exception as e:  # a garbled pickle can raise anything
            raise FairError(
                f"{name} in {self.path} is damaged, or holds more than weights and settings; "
                "it was not loaded."
            ) from e

    def _checked_members(self) -> dict[str, zipfile.ZipInfo]:
        """The files of the zip by their plain names."""
        infos = self._archive.infolist()
        if len(infos) > MAX_MEMBERS:
            raise FairError(f"{self.path} holds {len(infos)} files; it is not the authors' zip.")
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            parts = re.split(r"[\\/]", info.orig_filename)
            if ".." in parts or parts[0] == "" or ":" in parts[0]:
                raise FairError(f"{self.path} holds {info.orig_filename!r}, which leads out of it.")
            if info.file_size > MEMBER_LIMIT_BYTES:
                raise FairError(
                    f"{self.path} holds {parts[-1]!r}, which is too large to be a model."
                )
            if parts[-1] in members:
                raise FairError(f"{self.path} holds {parts[-1]!r} twice.")
            if parts[-1].endswith(".pth"):
                members[parts[-1]] = info
        return members


def table(value: Any, where: str) -> dict[str, Any]:
    """A dict that came out of a pickle, as a plain one whose keys are text.

    Args:
        value: what a file holds.
        where: how a message names it.

    Raises:
        FairError: it is something else.
    """
    # a pickled OrderedDict may bring attributes that hide its methods
    items = dict(dict.items(value)) if isinstance(value, dict) else None
    if items is None or any(type(key) is not str for key in items):
        raise FairError(f"{where} is no table of names and what they stand for.")
    return items


def _allowed() -> list[Any]:
    """What the pickles may name, beyond tensors and plain values."""
    modules = ("pathlib", "pathlib._local")  # where Python ≤ 3.12 and ≥ 3.13 keep them
    names = ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
    return [argparse.Namespace, *(_stand_in(m, n) for m in modules for n in names)]


def _stand_in(module: str, name: str) -> type:
    """A class that passes for another and does nothing.

    Paths in the files are of no use, and a PosixPath cannot even be made on Windows.
    """
    return type(name, (), {"__module__": module, "__new__": lambda cls, *_: object.__new__(cls)})
