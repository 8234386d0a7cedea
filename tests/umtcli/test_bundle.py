"""Bundles come back as they were written."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest
import torch

from bundling import SPACE, edit_header, write
from toy import write_decoder
from umtcli.bundle import read_bundle, read_info
from umtcli.errors import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_decoder(tmp_path / "kazoo.safetensors", SPACE, name="kazoo").path


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
