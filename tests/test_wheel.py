"""The wheel that users install holds what umt needs, and nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from umt_domains import plugin

REPOSITORY = Path(__file__).parents[1]
RECIPES = REPOSITORY / "trainer" / "recipes"
PACKAGES = {"umtcli", "umt_domains", "umt_trainer"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the wheel, built from this checkout without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    offline = ("--no-build-isolation", "--no-deps", "--no-index", "--no-cache-dir")
    quiet = ("--quiet", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "wheel", *offline, *quiet, "-w", folder, REPOSITORY]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("umtcli-*-py3-none-any.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_bundled_weights_are_in_it_unchanged(wheel: dict[str, bytes]) -> None:
    root = plugin.WEIGHTS.parents[1]
    weights = {p.relative_to(root).as_posix(): p for p in plugin.WEIGHTS.rglob("*.safetensors")}
    assert {"piano", "strings", "organ"} <= {path.stem for path in weights.values()}
    assert any(path.parent.name == "encoders" for path in weights.values())
    assert {name for name in wheel if name.endswith(".safetensors")} == set(weights)
    for name, path in weights.items():
        packed, here = (hashlib.sha256(d).hexdigest() for d in (wheel[name], path.read_bytes()))
        assert packed == here


def test_the_recipes_are_in_it_where_their_names_are_looked_up(wheel: dict[str, bytes]) -> None:
    recipes = {path.name: path.read_bytes() for path in RECIPES.glob("*.toml")}
    assert "wavenet-paper.toml" in recipes
    packed = {name: data for name, data in wheel.items() if name.endswith(".toml")}
    assert packed == {f"umt_trainer/recipes/{name}": data for name, data in recipes.items()}


def test_only_the_three_packages_are_in_it_with_their_types(wheel: dict[str, bytes]) -> None:
    outside = {name for name in wheel if ".dist-info/" not in name and "/" not in name}
    folders = {name.partition("/")[0] for name in wheel if ".dist-info/" not in name}
    assert outside == set()
    assert folders == PACKAGES
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel)


def test_it_brings_the_command_the_plugins_and_the_licence(wheel: dict[str, bytes]) -> None:
    named = {name.rpartition(".dist-info/")[2]: data for name, data in wheel.items()}
    entries = named["entry_points.txt"].decode()
    for entry in (
        "umt = umtcli.cli:main", "domains = umt_domains.plugin", "trainer = umt_trainer.plugin"
    ):  # fmt: skip
        assert entry in entries
    assert named["licenses/LICENSE"] == (REPOSITORY / "LICENSE").read_bytes()
