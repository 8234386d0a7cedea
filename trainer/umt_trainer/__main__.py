"""One process of a run: `python -m umt_trainer RECIPE --out OUT`, alone or under torchrun."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from torch.distributed.elastic.multiprocessing.errors import get_error_handler

from umt_trainer.recipe import read_recipe
from umt_trainer.system import run_here
from umtcli import console
from umtcli.errors import UmtError, UsageError

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Train a recipe's system; return the exit code."""
    given = _parser().parse_intermixed_args(arguments)
    launched = "TORCHELASTIC_ERROR_FILE" in os.environ
    handler = get_error_handler()
    if launched:
        handler.initialize()
    try:
        recipe = read_recipe(given.recipe, dict(_domain(text) for text in given.domains))
        run_here(recipe, given.out, json=given.json, quiet=given.quiet)
    except UmtError as e:
        # the launcher tells the first failure of all; alone, nobody else would
        if launched:
            handler.record_exception(e)
        else:
            console.complain(str(e))
        return e.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as e:
        if launched:
            handler.record_exception(e)
        raise
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m umt_trainer", description=__doc__)
    parser.add_argument("recipe", type=Path, help="a TOML file, or a recipe's name")
    parser.add_argument("domains", nargs="*", metavar="NAME=FOLDER", help="instead of its own")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the run")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout")
    parser.add_argument("--quiet", action="store_true", help="nothing on stderr but errors")
    return parser


def _domain(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not separator:
        raise UsageError(f"Say NAME=FOLDER, such as kazoo=recordings/, not {text!r}.")
    return name, Path(folder)


if __name__ == "__main__":
    sys.exit(main())
