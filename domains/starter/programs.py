"""Other programs that the recipe runs."""

import subprocess
from collections.abc import Sequence

from umtcli.errors import UmtError


def run_program(arguments: Sequence[str]) -> str:
    """Run a program and return what it printed; what it complains of is shown only if it fails.

    Raises:
        UmtError: The program failed or is not installed.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the recipe's own words, and no shell
            arguments, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise UmtError(f"{arguments[0]} is not installed: install it first.") from error
    if done.returncode != 0:
        raise UmtError(f"{arguments[0]} failed: {' '.join(done.stderr.split())[-500:]}")
    return done.stdout
