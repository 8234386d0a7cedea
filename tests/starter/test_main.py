"""The recipe's command line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from starter import __main__ as recipe
from starter import learn, runs
from starter.__main__ import app, main
from starter.targets import TARGETS
from umtcli.errors import TrainingError


@pytest.fixture(autouse=True)
def _same_threads() -> Iterator[None]:
    """The command line leaves torch with one thread; other tests may want theirs."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["starter", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


def test_a_mistyped_domain_is_told_the_choices_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "decoder", str(tmp_path), "pinao") == 2
    error = capsys.readouterr().err
    assert "no domain 'pinao'; it has piano, electric-piano, " in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("step", "before"),
    [("encoder", "practice"), ("recogniser", "development"), ("table", "development")],
)
def test_a_step_that_comes_too_early_names_the_one_before(
    step: str,
    before: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(monkeypatch, step, str(tmp_path)) == 1
    assert f"starter {before} {tmp_path} first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        ("encoder", f"{runs.ENCODER_RUN.steps}"),
        ("decoder", f"({runs.DECODER_RUN.steps}; from nothing {runs.STEPS_ALONE})"),
    ],
)
def test_help_shows_the_steps_of_the_recipe(step: str, shown: str) -> None:
    output = CliRunner().invoke(app, [step, "--help"], env={"COLUMNS": "200"}).output
    assert f"[default: {shown}]" in output


@pytest.mark.parametrize(("domain", "steps"), [("piano", 3600), ("flute", 2000)])
def test_a_decoder_that_begins_from_nothing_learns_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, domain: str, steps: int
) -> None:
    asked: list[int] = []

    def learn_it(out: Path, name: str, config: runs.RunConfig, report: object) -> None:
        asked.append(config.steps)
        raise TrainingError("enough")

    monkeypatch.setattr(learn, "train_decoder", learn_it)
    assert run(monkeypatch, "decoder", str(tmp_path), domain) == 1
    assert run(monkeypatch, "decoder", str(tmp_path), domain, "--steps", "7") == 1
    assert asked == [steps, 7]


def test_all_steps_are_done_in_order_and_a_domain_that_is_there_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[str] = []

    def note(step: str, *, of_domain: bool = False) -> None:
        def noted(out: Path, domain: str = "", processes: int = 2) -> None:
            assert (out, processes) == (tmp_path, 2)
            done.append(f"{step} {domain}" if of_domain else step)

        monkeypatch.setattr(recipe, step, noted)

    for step in ("practice", "drums", "domains", "encoder"):
        note(step)
    note("decoder", of_domain=True)
    monkeypatch.setattr(learn, "is_trained", lambda _, name: name == "piano")
    assert run(monkeypatch, "all", str(tmp_path)) == 0
    first = ["strings"]  # the others begin as it, or as the piano
    missing = first + [name for name in TARGETS if name not in ("piano", "strings")]
    missing = [f"decoder {name}" for name in missing]
    assert done == ["practice", "drums", "domains", "encoder", *missing]
    assert "is ready, 0 minutes later" in " ".join(capsys.readouterr().err.split())
