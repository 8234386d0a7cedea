"""`umt check` prints every check and fails if one does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toy import write_decoder
from umtcli.bundle import read_info
from umtcli.cli import main


@pytest.fixture
def nameless(toy_installed: Path, site_folder: Path) -> str:
    """A domain whose provenance says nothing."""
    space = read_info(next(site_folder.rglob("toy.safetensors"))).space
    path = toy_installed / "domains" / "nameless.safetensors"
    write_decoder(path, space, name="nameless", provenance={"licence": "unknown"})
    return "nameless"


def test_a_good_domain_passes(toy_installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "toy", "--device", "cpu"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) > 10
    assert all(row.rstrip().endswith("passed") for row in rows)


def test_a_bad_domain_fails_with_the_reason(
    nameless: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", nameless, "--device", "cpu"]) == 1
    (failed,) = [row for row in capsys.readouterr().out.splitlines() if "FAILED" in row]
    assert "provenance lacks licence, description, data, recipe" in failed


def test_json_is_one_object_a_check(nameless: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", nameless, "--device", "cpu", "--json"]) == 1
    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["name"] for r in results if not r["passed"]] == ["metadata is complete"]
