"""`umt convert --score`: what plugins measure of each output beside its input."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from umtcli import console
from umtcli.errors import UmtError, UsageError
from umtcli.plugins import PluginManager

if TYPE_CHECKING:
    from umtcli.pipeline.result import Result

HOOK = "umt_measure"


def check_measurable(manager: PluginManager, output: str | None, *, dry_run: bool) -> None:
    """Refuse `--score` where nothing could be measured.

    Raises:
        UsageError: no plugin measures, or the outputs will be no files.
    """
    if output == "-" or dry_run:
        raise UsageError("--score measures files: take it with neither -o - nor --dry-run.")
    if not _measurers(manager):
        raise UsageError("--score needs a plugin that measures; `umt plugins` tells what is off.")


def show_scores(manager: PluginManager, results: Iterable[Result], *, json: bool) -> bool:
    """Measure every complete output that holds audio, and print one line for each.

    Returns:
        Whether all of them could be measured.
    """
    from umtcli.pipeline.naming import NOTES_SUFFIX

    complete = True
    for result in results:
        if not result.ok or Path(result.output).suffix == NOTES_SUFFIX:
            continue
        try:
            values = _measured(manager, result)
        except UmtError as e:
            console.complain(f"{result.output} is not measured: {console.safe(str(e))}")
            complete = False
            continue
        if json:
            finite = {name: x if math.isfinite(x) else None for name, x in values.items()}
            console.print_json({"output": result.output, "score": finite})
        else:
            told = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
            console.print_result(f"{result.output}: {told}")
    return complete


def _measured(manager: PluginManager, result: Result) -> Mapping[str, float]:
    """What all plugins together say of an output.

    Raises:
        UmtError: the input is gone, or a plugin broke.
    """
    if result.input == "-":
        raise UmtError("Standard input can be read only once.")
    values: dict[str, float] = {}
    for name in _measurers(manager):
        with manager.isolating(name):
            paths = {"source": Path(result.input), "output": Path(result.output)}
            values |= manager.call(name, HOOK, **paths)
        if manager.info(name).off_because:
            raise UmtError(manager.info(name).off_because)
    return values


def _measurers(manager: PluginManager) -> list[str]:
    return [name for name, _ in manager.list_name_plugin() if HOOK in manager.info(name).hooks]
