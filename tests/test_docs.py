"""The docs cannot rot: each hook is documented, and generated pages are fresh."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

from umtcli import hookspecs
from umtcli.errors import UmtError
from umtcli.pipeline.check import CHECKS, MUST_SAY

REPOSITORY = Path(__file__).parents[1]
WRITING = (REPOSITORY / "docs" / "writing-a-domain.md").read_text(encoding="utf-8")
HOOKS = [value for name, value in vars(hookspecs).items() if name.startswith("umt_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_documented_with_its_exact_signature(hook: object) -> None:
    signature = str(inspect.signature(hook)).replace("'", "")
    assert f"### `{hook.__name__}{signature}`\n" in WRITING


def test_no_hook_is_documented_that_does_not_exist() -> None:
    documented = re.findall(r"### `(\w+)\(", WRITING)
    assert sorted(documented) == sorted(hook.__name__ for hook in HOOKS)


def test_each_check_is_documented() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| .* \|$", WRITING, re.MULTILINE)
    assert rows == ["check", "loads", *CHECKS]
    for key in MUST_SAY:
        assert f'"{key}": ' in WRITING


def test_the_command_reference_is_fresh() -> None:
    path = REPOSITORY / "docs" / "make_cli.py"
    spec = importlib.util.spec_from_file_location("make_cli", path)
    assert spec is not None
    assert spec.loader is not None
    make_cli = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_cli)
    # if this fails: make docs
    assert make_cli.PAGE.read_text(encoding="utf-8") == make_cli.render()


PAGES = ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/wavenet.md"]


@pytest.mark.parametrize("page", PAGES)
def test_files_that_the_docs_name_exist(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:umtcli|domains|trainer|tests|docs)/[\w./-]*)`", text)
    assert named
    for name in named:
        assert (REPOSITORY / name).exists(), name


def test_tests_that_the_parity_tables_name_exist() -> None:
    text = (REPOSITORY / "docs" / "wavenet.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+\.py)`", text))
    folders = [REPOSITORY / "tests" / name for name in ("umt_domains/wavenet", "umt_trainer")]
    assert named
    assert named <= {path.name for folder in folders for path in folder.glob("test_*.py")}


def test_the_drawn_error_tree_is_the_real_one() -> None:
    import umtcli.errors

    tree = umtcli.errors.__doc__ or ""
    drawn = re.findall(r"^ +(?:[│├└─ ]*)(\w+) {2,}", tree, re.MULTILINE)

    def walk(error: type[UmtError]) -> list[str]:
        return [error.__name__, *(name for sub in error.__subclasses__() for name in walk(sub))]

    assert drawn == [name for name in walk(UmtError) if hasattr(umtcli.errors, name)]
