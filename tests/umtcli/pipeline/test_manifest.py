"""The manifest tells what was made, whoever else writes into it and however a run ends."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from umtcli.pipeline.manifest import MANIFEST, Failed, Made, Manifest, Manifests, content_hash

ENTRY = Made("key", 3, 0, hashlib.sha256(b"abc").hexdigest(), 1.5)


def test_the_last_entry_about_an_output_counts(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    assert manifest.find("a.wav") is None
    manifest.append("a.wav", Failed("no"))
    assert manifest.find("a.wav") == Failed("no")
    manifest.append("a.wav", ENTRY)
    assert manifest.find("a.wav") == Manifest(tmp_path).find("a.wav") == ENTRY


@pytest.mark.parametrize("name", ["a b\n.wav", "\udcff.wav", "ü\u2028.wav"])
def test_any_name_comes_back(tmp_path: Path, name: str) -> None:
    Manifest(tmp_path).append(name, ENTRY)
    assert Manifest(tmp_path).find(name) == ENTRY
    assert (tmp_path / MANIFEST).read_text().count("\n") == 1


@pytest.mark.parametrize(
    "damage",
    [b"\x00\xff", b"[1]", b'{"output": "b"}', b'"x"', b"[" * 10_000, b'{"output": {}, "error": 1}'],
)
def test_damaged_lines_are_as_if_not_there(tmp_path: Path, damage: bytes) -> None:
    manifest = Manifest(tmp_path)
    manifest.append("a.wav", ENTRY)
    with (tmp_path / MANIFEST).open("ab") as file:
        file.write(damage + b"\n")
    manifest.append("b.wav", Failed("no"))
    assert Manifest(tmp_path).find("a.wav") == ENTRY
    assert Manifest(tmp_path).find("b.wav") == Failed("no")


def test_a_line_that_was_cut_off_spoils_no_other(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.append("a.wav", ENTRY)
    whole = (tmp_path / MANIFEST).read_bytes()
    (tmp_path / MANIFEST).write_bytes(whole + whole[:-20])
    assert manifest.find("a.wav") == ENTRY
    manifest.append("b.wav", ENTRY)
    assert Manifest(tmp_path).find("b.wav") == ENTRY


def test_many_writers_lose_nothing(tmp_path: Path) -> None:
    names = [f"{number}-{'x' * 200}.wav" for number in range(60)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: Manifest(tmp_path).append(name, ENTRY), names))
    manifest = Manifest(tmp_path)
    assert all(manifest.find(name) == ENTRY for name in names)
    assert len((tmp_path / MANIFEST).read_text().splitlines()) == len(names)


def test_an_entry_is_found_though_it_was_written_later(tmp_path: Path) -> None:
    reader = Manifests()
    assert reader.find(tmp_path / "a.wav") is None
    Manifest(tmp_path).append("a.wav", ENTRY)
    assert reader.find(tmp_path / "a.wav") == ENTRY


def test_a_file_fits_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"abc")
    made = Made.of(path, "key", 1.0)
    assert (made.bytes, made.sha256) == (3, hashlib.sha256(b"abc").hexdigest())
    os.utime(path, ns=(1, 1))  # the clock jumped, or a copy lost the time
    assert made.fits(path, read=False)
    path.write_bytes(b"abd")
    assert not made.fits(path, read=False)
    os.utime(path, ns=(made.mtime_ns, made.mtime_ns))  # only reading it shows the change
    assert made.fits(path, read=False)
    assert not made.fits(path, read=True)
    path.unlink()
    assert not made.fits(path, read=False)


def test_the_content_hash_is_sha256(tmp_path: Path) -> None:
    # FIPS 180-4, example of one block
    (tmp_path / "abc").write_bytes(b"abc")
    assert content_hash(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_entries_are_json_lines_that_other_programs_read(tmp_path: Path) -> None:
    Manifest(tmp_path).append("a.wav", ENTRY)
    assert json.loads((tmp_path / MANIFEST).read_text())["output"] == "a.wav"
