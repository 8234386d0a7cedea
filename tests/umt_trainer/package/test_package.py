"""`umt package` makes what pip can build and install, and what then keeps the contract."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from toy import ENCODER_RATE, install_toy, write_decoder, write_encoder
from umtcli.bundle import read_info
from umtcli.cli import main

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Capture = pytest.CaptureFixture[str]
GIVEN = ["--licence", "CC-BY-4.0", "--author", 'Ann "Buzz" Ö.']


@pytest.fixture
def home(site_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy family is installed, with a kazoo; the user has trained another on its encoder."""
    install_toy(site_folder, {"toy": 440.0, "kazoo": 111.0})
    toys = [e for e in entry_points(group="umt") if e.name == "toy"]
    trainer = EntryPoint("trainer", "umt_trainer.plugin", "umt")
    monkeypatch.setattr("umtcli.cli.installed_entry_points", lambda: [trainer, *toys])
    monkeypatch.setenv("UMT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    space = read_info(site_folder / "umt_toy_bundles" / "toy-encoder.safetensors").space
    train(tmp_path / "home", space, {"licence": "private"})
    return tmp_path / "home"


def train(home: Path, space: object, more: dict[str, str]) -> None:
    provenance = {"description": "a kazoo", "data": "none", "recipe": "none", **more}
    path = home / "domains" / "kazoo.safetensors"
    write_decoder(path, space, "kazoo", 300.0, provenance)


def run(*command: object, path: tuple[Path, ...] = ()) -> str:
    """Run Python in a process that sees nothing of ours but what is named."""
    tests = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, tests)))}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_project_builds_installs_and_passes_its_own_check(
    home: Path, site_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["package", "kazoo", *GIVEN]) == 0
    offline = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    build = ("-m", "pip", "wheel", "--no-build-isolation", *offline, "--no-cache-dir")
    run(*build, "-w", tmp_path / "wheels", tmp_path / "umt-kazoo")
    (wheel,) = (tmp_path / "wheels").iterdir()
    assert wheel.name == "umt_kazoo-1.0.0-py3-none-any.whl"
    clean = tmp_path / "clean"
    run("-m", "pip", "install", *offline, "--target", clean, wheel)
    # the user's own kazoo is not there: the package alone must do
    monkeypatch.setenv("UMT_HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("UMT_THREADS", "1")
    said = run("-m", "umtcli", "domains", "umt-kazoo:kazoo", path=(clean, site_folder))
    assert "CC-BY-4.0" in said
    test = next((tmp_path / "umt-kazoo" / "tests").glob("test_*.py"))
    script = f"import runpy; runpy.run_path({str(test)!r})['test_umt_check_passes']()"
    run("-c", script, path=(clean, site_folder))


def test_the_project_tells_who_where_from_and_what_it_needs(home: Path, tmp_path: Path) -> None:
    assert main(["package", "kazoo", *GIVEN, "--version", "2.1", "-o", "deep/er"]) == 0
    project = tomllib.loads((tmp_path / "deep/er/pyproject.toml").read_text("utf-8"))["project"]
    assert (project["name"], project["version"]) == ("umt-kazoo", "2.1")
    assert project["authors"] == [{"name": 'Ann "Buzz" Ö.'}]
    assert project["license"] == "CC-BY-4.0"
    assert project["description"] == "a kazoo"
    assert project["entry-points"]["umt"] == {"kazoo": "umt_kazoo"}
    umtcli, toy = project["dependencies"]
    assert umtcli.startswith("umtcli>=")
    assert toy == "umt-toy>=1.0"
    assert not (tmp_path / "deep/er/umt_kazoo/encoder.safetensors").exists()
    readme = (tmp_path / "deep/er/README.md").read_text("utf-8")
    assert "umt convert song.mp3 --to kazoo" in readme
    assert "| licence | CC-BY-4.0 |" in readme


def test_the_weights_are_the_same_and_the_rights_are_the_new_ones(
    home: Path, tmp_path: Path
) -> None:
    assert main(["package", "kazoo", *GIVEN]) == 0
    packed, own = tmp_path / "umt-kazoo/umt_kazoo/kazoo.safetensors", home / "domains"
    info = read_info(packed, "decoder")
    assert info.digest == read_info(own / "kazoo.safetensors").digest
    assert torch.equal(load_file(packed)["frequency_hz"], torch.tensor(300.0))
    assert info.provenance["licence"] == "CC-BY-4.0"
    assert info.provenance["author"] == 'Ann "Buzz" Ö.'
    assert info.provenance["data"] == "none"


def test_an_encoder_of_the_users_own_comes_along(home: Path, tmp_path: Path) -> None:
    own = write_encoder(home / "encoders" / "mine.safetensors", weight=(2.0, 1.0))
    train(home, own.space, {"licence": "MIT", "author": "Ann"})
    assert main(["package", "kazoo"]) == 0
    packed = read_info(tmp_path / "umt-kazoo/umt_kazoo/encoder.safetensors", "encoder")
    assert packed.space.fingerprint == own.space.fingerprint
    assert packed.sample_rate == ENCODER_RATE
    module: dict[str, object] = {"__file__": str(tmp_path / "umt-kazoo/umt_kazoo/__init__.py")}
    text = (tmp_path / "umt-kazoo/umt_kazoo/__init__.py").read_text("utf-8")
    exec(compile(text, "plugin", "exec"), module)
    assert module["umt_encoders"]() == [packed.path]


def test_nothing_is_packed_without_a_licence_and_an_author(
    home: Path, tmp_path: Path, capsys: Capture
) -> None:
    for given, lacking in ((GIVEN[2:], "licence"), (GIVEN[:2], "author")):
        assert main(["package", "kazoo", *given]) == 2
        (error,) = capsys.readouterr().err.splitlines()
        assert f"must know its {lacking}" in error
    assert not (tmp_path / "umt-kazoo").exists()


def test_what_is_there_is_replaced_only_when_asked(
    home: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["package", "kazoo", *GIVEN]) == 0
    # without the slash, pip would look for the name in an index
    assert f"pip install .{os.sep}umt-kazoo." in capsys.readouterr().err
    assert main(["package", "kazoo", *GIVEN]) == 1
    assert "exists already. --overwrite" in capsys.readouterr().err
    assert main(["package", "kazoo", *GIVEN, "--overwrite"]) == 0
    letters = tmp_path / "letters"
    letters.mkdir()
    (letters / "love.txt").touch()
    assert main(["package", "kazoo", *GIVEN, "--overwrite", "-o", "letters"]) == 1
    assert "is no plugin project, and is left alone" in capsys.readouterr().err
    assert (letters / "love.txt").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["toy"], "no instrument 'toy'. Yours are: kazoo."),
        (["kazoo", "--version", "one"], "is no version"),
    ],
)
def test_wrong_requests_are_refused_in_one_line(
    home: Path, arguments: list[str], said: str, capsys: Capture
) -> None:
    assert main(["package", *arguments, *GIVEN]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert said in error
