"""`umt domains` tells what can be played."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toy import write_decoder
from umtcli.cli import main
from umtcli.domain import LatentSpace

STRANGER = LatentSpace("other/1", 2, 100.0, "0123456789abcdef")


def test_the_list_names_each_domain_once(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["domains"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["domain", "description", "package", "licence", "rate", "size"]
    assert row.startswith("toy     a sine at 440 Hz  umt-toy  CC0-1.0  16000 Hz  0.0 MB")


def test_one_domain_is_shown_in_full(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["domains", "umt-toy:toy"]) == 0
    fields = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert fields["family"].strip() == "toy"
    assert fields["recipe"].strip() == "tests/toy.py"
    assert "encoder installed" in fields["latent"]
    assert fields["--set"].split() == [
        "gain_db=",
        "0.0",
        "(-60",
        "…",
        "12",
        "dB)",
        "output",
        "gain",
    ]


def test_json_is_complete(toy_installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["domains", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    domain = json.loads(line)
    assert (domain["name"], domain["package"], domain["sample_rate"]) == ("toy", "umt-toy", 16000)
    assert domain["space"]["installed"] is True
    assert domain["options"][0]["name"] == "gain_db"
    assert domain["size_bytes"] == Path(domain["decoder"]).stat().st_size


def test_a_domain_without_its_encoder_can_still_be_looked_at(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_decoder(toy_installed / "domains" / "lost.safetensors", STRANGER, name="lost")
    assert main(["domains", "user:lost"]) == 0
    out = capsys.readouterr().out
    assert "other/1 (0123456789abcdef), encoder NOT installed" in out


def test_a_hostile_description_is_escaped(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = toy_installed / "domains" / "evil.safetensors"
    evil = {"licence": "\x1b[31mred", "description": "[bold]x"}
    write_decoder(path, STRANGER, name="evil", provenance=evil)
    assert main(["domains"]) == 0
    out = capsys.readouterr().out
    assert "[bold]x" in out
    assert "\\x1b[31mred" in out
    assert "\x1b" not in out


def test_nothing_installed_is_said_on_stderr(
    toy_installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("umtcli.cli.installed_entry_points", list)
    assert main(["domains"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("No domain is installed")
