"""docs/reliability.md holds: its commands run, and each row of its faults is a test."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from shell import REPOSITORY, make_shell
from signals import noise, write

PAGE = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
FAULTS = re.findall(r"^\|.*\| `(test_\w+)` \|$", PAGE, re.MULTILINE)
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in REPOSITORY.glob("tests/**/*.py"))

MADE = {
    "--dry-run": [
        "flac/cd1/piano/b c.flac", "flac/piano/a.flac",
        "out/a-piano.wav", "out/a-strings.wav", "out/cd1/b c-piano.wav",
        "out/cd1/b c-strings.wav", "out/demos/x-piano.wav", "out/demos/x-strings.wav",
    ],
    "xargs -0": [
        "args/a-piano.wav", "args/b c-piano.wav", "args/x-piano.wav",
        "found/a-piano.wav", "found/b c-piano.wav", "found/x-piano.wav",
    ],
    "while IFS= read": [
        "loop/a-strings.wav", "loop/b c-strings.wav", "loop/x-strings.wav",
    ],
    "> piped.wav": ["piped.wav"],
    "parallel": [
        "shared/a-piano.wav", "shared/cd1/b c-piano.wav", "shared/demos/x-piano.wav",
    ],
}  # fmt: skip
"""By something in the command: what it makes of the album."""


def test_each_row_of_the_faults_names_a_test() -> None:
    rows = PAGE.partition("## Faults")[2].partition("## ")[0].count("\n| ")
    assert len(FAULTS) == rows - 1  # but for the head
    assert [name for name in FAULTS if f"def {name}(" not in TESTS] == []


def test_each_command_is_run_here() -> None:
    assert [sum(key in block for key in MADE) for block in BLOCKS] == [1] * len(MADE)


@pytest.mark.slow
@pytest.mark.parametrize("key", MADE)
def test_a_command_of_the_page_makes_what_it_says(tmp_path: Path, key: str) -> None:
    (block,) = (block for block in BLOCKS if key in block)
    programs = set(re.findall(r"\b(find|xargs|parallel)\b", block))
    if missing := [name for name in programs if shutil.which(name) is None]:
        pytest.skip(f"the page's {missing[0]} is no Python package, and is not installed here")
    shell = make_shell(tmp_path)
    for name in ("album/a.wav", "album/cd1/b c.wav", "album/demos/x.wav"):
        (shell.folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(shell.folder / name, noise(0.2, 8_000), 8_000)
    done = shell.run(block)
    assert done.returncode == 0, done.stderr
    made = {
        path.relative_to(shell.folder).as_posix()
        for path in shell.folder.rglob("[!.]*")
        if path.is_file() and path.relative_to(shell.folder).parts[0] != "album"
    }
    assert sorted(made) == MADE[key]
