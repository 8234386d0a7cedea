"""Imports go umt_trainer → umtcli ← umt_domains and nowhere else, not even lazily."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
ROOTS = {
    "umtcli": REPOSITORY / "umtcli",
    "umt_domains": REPOSITORY / "domains" / "umt_domains",
    "umt_trainer": REPOSITORY / "trainer" / "umt_trainer",
}
MAY_IMPORT = {
    "umtcli": {"umtcli"},
    "umt_domains": {"umtcli", "umt_domains"},
    "umt_trainer": {"umtcli", "umt_trainer"},
}


def imports(tree: ast.AST) -> set[str]:
    """The packages that are imported anywhere in a file, functions included."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {a.value.split(".")[0] for a in node.args if _is_text(a)}
    return found


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("package", ROOTS)
def test_no_import_crosses_a_wall(package: str) -> None:
    paths = list(ROOTS[package].rglob("*.py"))
    assert paths
    crossing = {
        str(path.relative_to(REPOSITORY)): sorted(forbidden)
        for path in paths
        if (forbidden := imports(ast.parse(path.read_text())) & set(ROOTS) - MAY_IMPORT[package])
    }
    assert crossing == {}


def test_the_parser_sees_lazy_and_dynamic_imports() -> None:
    text = "def f():\n    from umt_domains.x import y\n    importlib.import_module('umt_trainer.z')"
    assert imports(ast.parse(text)) == {"umt_domains", "umt_trainer"}


@pytest.mark.parametrize(
    "module", ["umtcli", "umtcli.cli", "umt_domains.plugin", "umt_trainer.plugin"]
)
def test_what_every_command_imports_loads_no_torch(module: str) -> None:
    path = [str(REPOSITORY), str(REPOSITORY / "domains"), str(REPOSITORY / "trainer")]
    program = (
        f"import sys; sys.path[:0] = {path!r}; import {module}; "
        "print(sorted({'torch', 'umtcli.pipeline'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == "[]\n"
