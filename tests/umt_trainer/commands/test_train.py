"""`umt train` at the command line: how a whole system's options reach the trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from umtcli.cli import main

pytestmark = pytest.mark.usefixtures("only_umt")

Capture = pytest.CaptureFixture[str]
Calls = list[tuple[Path, dict[str, Any]]]


@pytest.fixture
def systems(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the trainer was asked for, which then was not done."""
    calls: Calls = []
    monkeypatch.setattr(
        "umt_trainer.system.train_system",
        lambda config, **options: calls.append((config, options)),
    )
    return calls


def test_a_system_goes_beside_its_recipe_in_one_process(systems: Calls) -> None:
    assert main(["train", "--config", "small.toml"]) == 0
    [(config, options)] = systems
    assert config == Path("small.toml")
    assert options["out"] == Path("small")
    assert options["domains"] is None
    assert (options["nproc"], options["nnodes"]) == (1, 1)


def test_every_option_of_a_system_reaches_it(systems: Calls, tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("x", "y")}
    for folder in folders.values():
        folder.mkdir()
    system = "train --config a.toml -o run --nproc 2 --nnodes 3 --rdzv host:1 --max-restarts 4"
    assert (
        main([*system.split(), "--json", "--quiet", *(f"{n}={f}" for n, f in folders.items())]) == 0
    )
    [(_, options)] = systems
    assert options == {
        "out": Path("run"), "domains": folders, "nproc": 2,
        "nnodes": 3, "rdzv": "host:1", "max_restarts": 4, "json": True, "quiet": True,
    }  # fmt: skip


@pytest.mark.parametrize("option", ["-o run", "--nproc 2", "--nnodes 2", "--rdzv h:1"])
def test_options_of_systems_are_refused_for_an_instrument(
    option: str, systems: Calls, capsys: Capture
) -> None:
    assert main(["train", "kazoo=recordings", *option.split()]) == 2
    assert "go with --config" in capsys.readouterr().err
    assert not systems


def test_without_anything_to_learn_the_usage_is_told(capsys: Capture) -> None:
    assert main(["train"]) == 2
    assert "kazoo=recordings/" in capsys.readouterr().err
