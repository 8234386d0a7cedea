"""`umt plugins` tells what is installed and why something is off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from umtcli.cli import main


@pytest.fixture
def broken_bundle(toy_installed: Path) -> Path:
    path = toy_installed / "domains" / "broken.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nonsense")
    return path


def test_each_plugin_is_listed_with_its_hooks(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins"]) == 0
    _, row = capsys.readouterr().out.splitlines()
    assert row.split() == [
        "umt-toy:toy",
        "umt-toy",
        "1.0",
        "domains,",
        "encoders,",
        "families",
        "on",
    ]


def test_a_broken_one_says_why(broken_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert f"off: {broken_bundle} is not a safetensors file." in row


def test_json_is_one_object_a_plugin(
    broken_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", "--json"]) == 0
    toy, broken = map(json.loads, capsys.readouterr().out.splitlines())
    assert toy["version"] == "1.0"
    assert toy["off_because"] == ""
    assert broken["name"] == "domains/broken.safetensors"
    assert broken["off_because"]
