"""`umt doctor` finds what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toy import ToyFamily
from umtcli.cli import main


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["name"]: line for line in lines}


def test_a_complete_installation_is_well(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json"]) == 0
    found = findings(capsys)
    wanted = {"python", "torch", "ffmpeg", "soundfile", "cpu", "gpu", "plugin umt-toy:toy"}
    assert wanted <= set(found)
    assert found["domains"]["detail"] == "toy"
    assert found["one second as toy"]["ok"]


def test_the_table_says_the_same(toy_installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert rows["torch"].split()[1] == "ok"


def test_no_domain_is_a_failure(
    toy_installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("umtcli.cli.installed_entry_points", list)
    assert main(["doctor", "--json"]) == 1
    assert not findings(capsys)["domains"]["ok"]


def test_no_ffmpeg_is_a_failure(
    toy_installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UMT_FFMPEG", "no-such-ffmpeg")
    assert main(["doctor", "--json"]) == 1
    ffmpeg = findings(capsys)["ffmpeg"]
    assert not ffmpeg["ok"]
    assert "no-such-ffmpeg" in ffmpeg["detail"]


def test_a_broken_plugin_is_noted_but_no_failure(
    toy_installed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (toy_installed / "domains").mkdir(parents=True)
    (toy_installed / "domains" / "broken.safetensors").write_bytes(b"nonsense")
    assert main(["doctor", "--json"]) == 0
    assert not findings(capsys)["plugin domains/broken.safetensors"]["ok"]


def test_a_domain_that_cannot_play_is_a_failure(
    toy_installed: Path, site_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    next(site_folder.rglob("toy-encoder.safetensors")).unlink()
    assert main(["doctor", "--json"]) == 1


def test_what_computes_on_the_cpu_is_told_where_a_family_has_a_choice(
    toy_installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ToyFamily, "engines", lambda self: ("fast", "slow"), raising=False)
    assert main(["doctor", "--json"]) == 0
    assert findings(capsys)["toy engine"]["detail"] == "fast is used; also here: slow"
