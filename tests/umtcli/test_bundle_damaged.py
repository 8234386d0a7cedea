"""Bundles that are damaged, cut off, garbled or no bundles at all are refused by name."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bundling import SPACE, edit_header, write
from toy import write_decoder
from umtcli.bundle import MAX_HEADER_BYTES, read_bundle, read_info
from umtcli.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_decoder(tmp_path / "kazoo.safetensors", SPACE, name="kazoo").path


@pytest.mark.parametrize(
    "change",
    [
        {"front_end_version": 2},
        {"config": {"layers": [1, 3], "act": "relu"}},
        {"family": "other"},
        {"space": {**vars(SPACE)}},
    ],
)
def test_an_encoder_whose_fingerprint_is_not_its_own_is_refused(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    path = write(tmp_path / "ear.safetensors", kind="encoder").path
    edit_header(path, lambda meta: meta.update(change))
    for read in (read_info, read_bundle):
        with pytest.raises(BundleError, match=r"ear\.safetensors is damaged: .* fingerprint"):
            read(path)


def test_the_wrong_kind_is_refused(bundle: Path) -> None:
    with pytest.raises(
        BundleError, match=r"kazoo\.safetensors is .* kind decoder; encoder is needed"
    ):
        read_info(bundle, kind="encoder")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (read_info, read_bundle):
        with pytest.raises(BundleError, match=r"no\.safetensors: No such file"):
            read(tmp_path / "no.safetensors")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\x02\x00\x00\x00\x00\x00\x00\x00[]",
        b"\x02\x00\x00\x00\x00\x00\x00\x00{",
        b"\x04\x00\x00\x00\x00\x00\x00\x00\xff\xfe\x00\x00",
        struct.pack("<Q", MAX_HEADER_BYTES + 1) + b"{}",
        struct.pack("<Q", 2**64 - 1) + b"{}",
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
    ids=["empty", "short", "list", "cut", "not-utf8", "oversized", "absurd", "deeply-nested"],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kazoo.safetensors"
    path.write_bytes(content)
    for read in (read_info, read_bundle):
        with pytest.raises(BundleError, match=r"kazoo\.safetensors is not a"):
            read(path)


@pytest.mark.parametrize(
    "key",
    ["format", "kind", "family", "name", "config", "space", "sample_rate", "provenance", "digest"],
)
def test_missing_metadata_is_refused(bundle: Path, key: str) -> None:
    edit_header(bundle, lambda meta: meta.pop(key))
    with pytest.raises(BundleError, match=rf"kazoo\.safetensors is not an umt bundle.*{key}"):
        read_info(bundle)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("config", 3),
        ("space", "harmonic/1"),
        ("space", {"name": "toy/1"}),
        ("space", {**vars(SPACE), "frame_rate": "fast"}),
        ("sample_rate", "often"),
        ("sample_rate", 1e400),
        ("sample_rate", 0),
        ("kind", "coder"),
        ("space", {**vars(SPACE), "channels": -1}),
        ("space", {**vars(SPACE), "frame_rate": float("nan")}),
        ("provenance", ["CC0"]),
    ],
)
def test_garbled_metadata_is_refused(bundle: Path, key: str, value: object) -> None:
    edit_header(bundle, lambda meta: meta.update({key: value}))
    with pytest.raises(BundleError, match=r"kazoo\.safetensors is not an umt bundle"):
        read_info(bundle)


def test_a_safetensors_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BundleError, match=r"other\.safetensors is not an umt bundle"):
        read_info(tmp_path / "other.safetensors")


def test_a_newer_format_says_what_to_update(bundle: Path) -> None:
    edit_header(bundle, lambda meta: meta.update(format=2))
    with pytest.raises(BundleError, match="format 2, this umt reads 1"):
        read_info(bundle)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_flipped_bit_never_goes_unnoticed_in_the_weights(bundle: Path, data: Any) -> None:
    good = bundle.read_bytes()
    start = 8 + struct.unpack("<Q", good[:8])[0]
    bit = data.draw(st.integers(8 * start, 8 * len(good) - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    damaged = bundle.with_name("damaged.safetensors")
    damaged.write_bytes(bad)
    with pytest.raises(BundleError, match=r"damaged\.safetensors is damaged"):
        read_bundle(damaged)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_header_is_refused_or_harmless(bundle: Path, data: Any) -> None:
    good = bundle.read_bytes()
    start = 8 + struct.unpack("<Q", good[:8])[0]
    bit = data.draw(st.integers(0, 8 * start - 1))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    damaged = bundle.with_name("damaged.safetensors")
    damaged.write_bytes(bad)
    # a letter of a description may change unnoticed, but nothing else may be raised
    with contextlib.suppress(BundleError):
        read_bundle(damaged)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_truncated_bundle_is_refused(bundle: Path, data: Any) -> None:
    good = bundle.read_bytes()
    cut = bundle.with_name("cut.safetensors")
    cut.write_bytes(good[: data.draw(st.integers(0, len(good) - 1))])
    with pytest.raises(BundleError, match=r"cut\.safetensors"):
        read_bundle(cut)
