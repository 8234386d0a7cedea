"""Bundles to be read, and to be damaged."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from umtcli.bundle import BundleInfo, write_bundle
from umtcli.domain import LatentSpace

SPACE = LatentSpace("toy/1", 2, 100.0, "0123456789abcdef")


def write(path: Path, **changes: Any) -> BundleInfo:
    """A bundle of two tensors, with changes."""
    given = {
        "kind": "decoder",
        "family": "toy",
        "name": "kazoo",
        "config": {"layers": [1, 2], "act": "relu"},
        "space": SPACE,
        "sample_rate": 16_000,
        "provenance": {"licence": "CC0-1.0", "author": "Zoë"},
        "tensors": {"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(2).half()},
    }
    if changes.get("kind") == "encoder":
        given["front_end_version"] = 1
    return write_bundle(path, **{**given, **changes})


def edit_header(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Change the umt metadata and leave the weights as they are."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    meta = json.loads(header["__metadata__"]["umt"])
    edit(meta)
    header["__metadata__"]["umt"] = json.dumps(meta)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])
