"""Compiled code is kept between runs, for as long as nothing that it is made of changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from umt_domains.wavenet.engine import loop
from umt_domains.wavenet.engine.compiling import digest_of_sources

NUMBERS = "from umt_domains.wavenet.engine.compiling import compiled\nONE = {one}\n"
USER = """
import pair.numbers, sys
from umt_domains.wavenet.engine.compiling import compiled

@compiled
def doubled(x: int) -> int:
    return x + pair.numbers.twice(pair.numbers.ONE)

print(doubled(1), sum(doubled.stats.cache_hits.values()))
"""
TWICE = """
@compiled
def twice(x: int) -> int:
    return {factor} * x
"""


def said(folder: Path, one: int, factor: int) -> str:
    """What is printed with these numbers in another file than the code that takes them."""
    package = folder / "pair"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").touch()
    text = NUMBERS.format(one=one) + TWICE.format(factor=factor)
    (package / "numbers.py").write_text(text, encoding="utf-8")
    (package / "user.py").write_text(USER, encoding="utf-8")
    # without bytecode, which Python takes for new if its source had as many bytes in this second
    run = [sys.executable, "-B", "-m", "pair.user"]
    done = subprocess.run(run, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_code_is_kept_until_a_file_beside_it_changes(tmp_path: Path) -> None:
    assert said(tmp_path, one=1, factor=2) == "3 0"
    assert said(tmp_path, one=1, factor=2) == "3 1"  # from the run before
    assert said(tmp_path, one=2, factor=2) == "5 0"
    assert said(tmp_path, one=2, factor=3) == "7 0"


def test_a_digest_tells_every_file_of_a_folder(tmp_path: Path) -> None:
    digests = set()
    for name, text in (("a.py", "1"), ("b.py", "1"), ("b.py", "2"), ("c.txt", "3")):
        (tmp_path / name).write_text(text)
        digest_of_sources.cache_clear()
        digests.add(digest_of_sources(tmp_path))
    assert len(digests) == 3  # no code is in a text


def test_the_engine_is_kept_by_all_of_its_files() -> None:
    assert loop.play.__qualname__ == f"play_{digest_of_sources(Path(loop.__file__).parent)}"
