"""Bundles come back as they were written, or are refused with the file's name."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toy import write_decoder, write_encoder
from umtcli.bundle import (
    MAX_HEADER_BYTES,
    check_front_end,
    check_space,
    load_weights,
    read_bundle,
    read_info,
    write_bundle,
)
from umtcli.domain import LatentSpace
from umtcli.errors import BundleError, SpaceMismatch

SPACE = LatentSpace("toy/1", 2, 100.0, "0123456789abcdef")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_decoder(tmp_path / "kazoo.safetensors", SPACE, name="kazoo").path


def write(path: Path, **changes: Any) -> Any:
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


def test_a_bundle_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = write(tmp_path / "new" / "kazoo.safetensors")
    bundle = read_bundle(written.path, kind="decoder")
    assert bundle.info == written == read_info(written.path)
    assert bundle.info.config == {"layers": [1, 2], "act": "relu"}
    assert bundle.info.space == SPACE
    assert bundle.info.provenance == {"licence": "CC0-1.0", "author": "Zoë"}
    assert torch.equal(bundle.tensors["b"], torch.arange(6.0).reshape(2, 3))
    assert bundle.tensors["a"].dtype == torch.float32


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "a")
    write(tmp_path / "b", config={"act": "relu", "layers": [1, 2]})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_anyone_may_read_a_bundle_and_no_temporary_file_stays(bundle: Path) -> None:
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o644
    assert list(bundle.parent.iterdir()) == [bundle]


@pytest.mark.parametrize(
    "change",
    [
        {"tensors": {"a": torch.ones(3)}},
        {"config": {"layers": [1, 3]}},
        {"front_end_version": 2},
        {"family": "other"},
    ],
)
def test_a_fingerprint_changes_with_all_that_changes_latents(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    plain = write(tmp_path / "plain", kind="encoder").space
    other = write(tmp_path / "other", kind="encoder", **change).space
    assert plain.fingerprint != other.fingerprint


def test_a_fingerprint_depends_on_nothing_else(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", kind="encoder").space
    same = write(tmp_path / "same", kind="encoder", name="toy", provenance={}).space
    assert plain.fingerprint == same.fingerprint
    assert len(plain.fingerprint) == 16


def test_a_fingerprint_is_the_hash_of_what_makes_the_latents(tmp_path: Path) -> None:
    info = write(tmp_path / "ear", kind="encoder", front_end_version=3)
    text = f'["toy",3,{{"act":"relu","layers":[1,2]}},"{info.digest}"]'
    assert info.space.fingerprint == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert info.front_end_version == 3


def test_an_encoder_must_have_a_front_end_version_and_a_decoder_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="front_end_version"):
        write(tmp_path / "ear", kind="encoder", front_end_version=None)
    with pytest.raises(ValueError, match="front_end_version"):
        write(tmp_path / "kazoo", front_end_version=1)
    assert write(tmp_path / "kazoo").front_end_version is None
    path = write(tmp_path / "ear", kind="encoder").path
    edit_header(path, lambda meta: meta.pop("front_end_version"))
    with pytest.raises(BundleError, match=r"ear is not an umt bundle.*front_end_version"):
        read_info(path)


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


def test_an_encoder_of_another_front_end_is_refused_naming_both(tmp_path: Path) -> None:
    info = write(tmp_path / "ear.safetensors", kind="encoder", front_end_version=2)
    check_front_end(info, 2)
    with pytest.raises(BundleError, match=r"ear\.safetensors needs version 2 .* version 1 is"):
        check_front_end(info, 1)


def test_a_decoder_on_a_foreign_encoder_names_both_fingerprints(tmp_path: Path) -> None:
    first = write_encoder(tmp_path / "first.safetensors")
    second = write_encoder(tmp_path / "second.safetensors", weight=(2.0, 1.0))
    decoder = write_decoder(tmp_path / "kazoo.safetensors", first.space)
    check_space(decoder, first)
    with pytest.raises(SpaceMismatch) as caught:
        check_space(decoder, second)
    for text in (first.space.fingerprint, second.space.fingerprint, "kazoo.safetensors"):
        assert text in str(caught.value)


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


def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bundle.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(bundle)
    assert bundle.read_bytes() == before
    assert list(bundle.parent.iterdir()) == [bundle]


def test_weights_go_into_the_network_they_were_made_for(tmp_path: Path) -> None:
    made = torch.nn.Linear(3, 2)
    write(tmp_path / "kazoo.safetensors", tensors=made.state_dict())
    network = torch.nn.Linear(3, 2)
    load_weights(network, read_bundle(tmp_path / "kazoo.safetensors"))
    assert torch.equal(network.weight, made.weight)
    assert torch.equal(network.bias, made.bias)


@pytest.mark.parametrize("network", [torch.nn.Linear(4, 2), torch.nn.Linear(3, 2, bias=False)])
def test_weights_of_another_network_are_refused_by_name(
    tmp_path: Path, network: torch.nn.Module
) -> None:
    path = tmp_path / "kazoo.safetensors"
    write(path, tensors=torch.nn.Linear(3, 2).state_dict())
    with pytest.raises(BundleError, match=rf"{re.escape(str(path))} was made by another version"):
        load_weights(network, read_bundle(path))
