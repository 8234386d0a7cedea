"""umt as a program of its own, with the toy's sound under the name piano and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toy import install_toy

REPOSITORY = Path(__file__).parents[1]

_PROGRAM = """\
#!{python}
import sys
from importlib.metadata import entry_points
sys.path[:0] = {path!r}
import umtcli.cli
toys = [e for e in entry_points(group="umt") if e.name == "toy"]
umtcli.cli.installed_entry_points = lambda: toys
{patch}
if __name__ == "__main__":  # a worker imports this file, too
    sys.exit(umtcli.cli.main())
"""


@dataclass(frozen=True)
class Shell:
    """A folder to work in, and a PATH on which `umt` is found."""

    folder: Path
    environment: Mapping[str, str]

    def start(self, *command: str | os.PathLike[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program in the folder."""
        given: dict[str, Any] = {
            "cwd": self.folder,
            "env": self.environment,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            # a shell that runs the tests in the background makes them deaf to it
            "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        }
        return subprocess.Popen(command, **{**given, **options})

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a bash script to its end."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )


def make_shell(tmp_path: Path, patch: str = "") -> Shell:
    """Install umt with the toy.

    Args:
        tmp_path: an empty folder.
        patch: Python to run in umt before its command line, to break it on purpose.
    """
    site, programs, folder = (tmp_path / name for name in ("site", "bin", "work"))
    for made in (site, programs, folder):
        made.mkdir()
    install_toy(site, {"piano": 440.0, "strings": 220.0})
    path = [str(site), str(REPOSITORY / "tests"), str(REPOSITORY)]
    umt = programs / "umt"
    umt.write_text(_PROGRAM.format(python=sys.executable, path=path, patch=patch))
    umt.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "UMT_HOME": str(tmp_path / "home"),
        "UMT_THREADS": "1",
    }
    return Shell(folder, environment)
