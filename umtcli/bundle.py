"""Bundles: the weights of one encoder or decoder in one safetensors file.

The safetensors header carries one JSON text under the key `umt`:

    {"format": 1, "kind": "decoder", "family": "harmonic", "name": "piano",
     "config": {…}, "space": {…}, "sample_rate": 44100,
     "digest": sha256 of the tensor bytes, "provenance": {"licence": …, …}}

An encoder's has `front_end_version` too: of the code before its network, which no weights
show. Its latent space is fingerprinted by all that makes it, so that no decoder plays on
latents it was not trained on.

Reading the metadata costs one small read and needs neither torch nor numpy.
No pickle is ever involved.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from umtcli.domain import LatentSpace
from umtcli.errors import BundleError
from umtcli.whole import whole_file

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
MAX_HEADER_BYTES = 16 << 20


@dataclass(frozen=True)
class BundleInfo:
    """The metadata of a bundle."""

    path: Path
    kind: str
    """`encoder` or `decoder`."""
    family: str
    name: str
    """The domain's name, or the latent space's for an encoder."""
    config: Mapping[str, Any]
    """What the family needs to rebuild the network; plain JSON."""
    space: LatentSpace
    """What an encoder emits, or what a decoder was trained on."""
    sample_rate: int
    """Of the waveform that goes in (encoder) or comes out (decoder), in Hz."""
    provenance: Mapping[str, str]
    """licence, data, recipe, description, …"""
    digest: str
    """SHA-256 of the tensor bytes."""
    front_end_version: int | None = None
    """Of the code before an encoder's network; None for a decoder."""


@dataclass(frozen=True)
class Bundle:
    """A bundle in memory: its metadata and its tensors."""

    info: BundleInfo
    tensors: Mapping[str, Tensor]


def read_info(path: Path, kind: str | None = None) -> BundleInfo:
    """Read a bundle's metadata without its weights.

    Args:
        path: the safetensors file.
        kind: `encoder` or `decoder` if only one will do.

    Raises:
        BundleError: missing, damaged, too new, of the other kind, or an encoder whose
            fingerprint is not that of its metadata.
    """
    header, _ = _read_header(path)
    try:
        meta = json.loads(header["__metadata__"]["umt"])
        if meta["format"] != FORMAT:
            raise BundleError(
                f"{path} is a bundle of format {meta['format']}, this umt reads {FORMAT}. "
                "Update the older of the two."
            )
        info = BundleInfo(
            path=path,
            kind=str(meta["kind"]),
            family=str(meta["family"]),
            name=str(meta["name"]),
            config=dict(meta["config"]),
            space=_read_space(meta["space"]),
            sample_rate=int(meta["sample_rate"]),
            provenance={str(k): str(v) for k, v in meta["provenance"].items()},
            digest=str(meta["digest"]),
            front_end_version=int(meta["front_end_version"]) if _is_encoder(meta) else None,
        )
        _check_plausible(info)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as e:
        raise BundleError(f"{path} is not an umt bundle: its metadata lacks or garbles {e}.") from e
    if kind is not None and info.kind != kind:
        raise BundleError(f"{path} is a bundle of the kind {info.kind}; {kind} is needed here.")
    if info.front_end_version is not None:
        computed = _fingerprint(info.family, info.front_end_version, info.config, info.digest)
        if info.space.fingerprint != computed:
            raise BundleError(
                f"{path} is damaged: it says that its fingerprint is {info.space.fingerprint}, "
                f"but its config, weights and front end make {computed}."
            )
    return info


def read_bundle(path: Path, kind: str | None = None) -> Bundle:
    """Read a bundle whole and verify its digest; weights come back as float32.

    Raises:
        BundleError: as `read_info`, or the weights are not the bytes that were written.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    info = read_info(path, kind)
    data = _read_bytes(path)
    _, start = _read_header(path)
    if hashlib.sha256(data[start:]).hexdigest() != info.digest:
        raise BundleError(f"{path} is damaged: its weights are not those that were written.")
    try:
        tensors = load(data)
    except (SafetensorError, ValueError) as e:
        raise BundleError(f"{path} is damaged: {e}.") from e
    return Bundle(info, {k: v.to(torch.float32) for k, v in tensors.items()})


def write_bundle(
    path: Path,
    *,
    kind: str,
    family: str,
    name: str,
    config: Mapping[str, Any],
    space: LatentSpace,
    sample_rate: int,
    provenance: Mapping[str, str],
    tensors: Mapping[str, Tensor],
    front_end_version: int | None = None,
) -> BundleInfo:
    """Write a bundle; the file appears whole or not at all.

    For an encoder the fingerprint in `space` is ignored and computed from `config`,
    `front_end_version` and the weights as stored.

    Args:
        path: the file to write; its folder is made if need be.
        kind: `encoder` or `decoder`.
        family: the architecture that can rebuild the network.
        name: the domain's name, or the latent space's for an encoder.
        config: what the family needs to rebuild the network; plain JSON.
        space: what the encoder emits, or what the decoder was trained on.
        sample_rate: of the waveform that goes in (encoder) or comes out (decoder), in Hz.
        provenance: licence, description, data, recipe, …
        tensors: stored in the dtype they have; `.half()` them for small files.
        front_end_version: of the code before an encoder's network, see `umtcli.fitting`;
            an encoder must have one, a decoder has none.

    Returns:
        The metadata as it can be read back.

    Raises:
        ValueError: an encoder without a front-end version, or a decoder with one.
    """
    from safetensors.torch import save

    if (kind == "encoder") != (front_end_version is not None):
        raise ValueError("an encoder has a front_end_version, a decoder has none")
    stored = {key: tensor.detach().cpu().contiguous() for key, tensor in sorted(tensors.items())}
    bare = save(stored)
    digest = hashlib.sha256(bare[8 + struct.unpack("<Q", bare[:8])[0] :]).hexdigest()
    if front_end_version is not None:
        fingerprint = _fingerprint(family, front_end_version, config, digest)
        space = LatentSpace(space.name, space.channels, space.frame_rate, fingerprint)
    meta = {
        "format": FORMAT,
        "kind": kind,
        "family": family,
        "name": name,
        "config": dict(config),
        "space": asdict(space),
        "sample_rate": sample_rate,
        "provenance": dict(provenance),
        "digest": digest,
    }
    if front_end_version is not None:
        meta["front_end_version"] = front_end_version
    data = save(stored, metadata={"umt": _canonical(meta)})
    with whole_file(path) as f:
        f.write(data)
    return read_info(path)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The header as JSON and the offset where tensor bytes start."""
    try:
        with path.open("rb") as f:
            head = f.read(8)
            size = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
            if not 2 <= size <= MAX_HEADER_BYTES:
                raise BundleError(f"{path} is not a safetensors file.")
            header = json.loads(f.read(size))
    except OSError as e:
        raise BundleError(f"Cannot read the bundle {path}: {e.strerror}.") from e
    except (ValueError, RecursionError) as e:
        raise BundleError(f"{path} is not a safetensors file.") from e
    if not isinstance(header, dict):
        raise BundleError(f"{path} is not a safetensors file.")
    return header, 8 + size


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise BundleError(f"Cannot read the bundle {path}: {e.strerror}.") from e


def _is_encoder(meta: Mapping[str, Any]) -> bool:
    return bool(meta["kind"] == "encoder")


def _fingerprint(
    family: str, front_end_version: int, config: Mapping[str, Any], digest: str
) -> str:
    """Of all that makes an encoder's latents what they are."""
    code = _canonical([family, front_end_version, config, digest])
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def _check_plausible(info: BundleInfo) -> None:
    if info.kind not in ("encoder", "decoder"):
        raise ValueError("kind")
    if info.sample_rate <= 0:
        raise ValueError("sample_rate")
    if info.space.channels <= 0 or not 0 < info.space.frame_rate < math.inf:
        raise ValueError("space")


def _read_space(meta: Mapping[str, Any]) -> LatentSpace:
    return LatentSpace(
        name=str(meta["name"]),
        channels=int(meta["channels"]),
        frame_rate=float(meta["frame_rate"]),
        fingerprint=str(meta["fingerprint"]),
    )


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
