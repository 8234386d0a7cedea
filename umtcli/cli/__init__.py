"""The command line: one file a command, and plugins' commands beside them."""

from __future__ import annotations

import logging
import platform
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.main import get_group

from umtcli import __version__, console
from umtcli.cli.bench import bench
from umtcli.cli.blend import blend
from umtcli.cli.check import check
from umtcli.cli.convert import convert
from umtcli.cli.doctor import doctor
from umtcli.cli.domains import domains
from umtcli.cli.plugins import plugins
from umtcli.cli.signals import Ended, ending_on_signals
from umtcli.config import umt_home
from umtcli.errors import PluginError, ReaderGone, UmtError
from umtcli.plugins import PluginManager, installed_entry_points, make_plugin_manager

COMMANDS = (convert, blend, domains, check, plugins, bench, doctor)
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 + SIGINT."""

# typer carries its own copy of click, under a name that changes between versions
_CommandLineError: Any = typer.BadParameter.__mro__[2]


def make_app(manager: PluginManager) -> typer.Typer:
    """Build the command line with the commands of all plugins that can be had."""
    app = typer.Typer(
        name="umt",
        help="Play any music again with another instrument.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback(invoke_without_command=True)(_umt)
    for command in COMMANDS:
        app.command()(command)
    taken = set(get_group(app).commands)
    for name, _ in manager.list_name_plugin():
        if "umt_commands" in manager.info(name).hooks:
            with manager.isolating(name):
                taken |= _add_commands(app, manager, name, taken)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what follows `umt`; those of this process if None.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 141 nobody reads
        standard output, 143 terminated.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    given, debug = _take_debug(given)
    console.never_fail_to_encode()
    try:
        manager = make_plugin_manager(installed_entry_points(), umt_home())
        with _logging(debug=debug), ending_on_signals():
            code = make_app(manager)(given, prog_name="umt", standalone_mode=False, obj=manager)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except console.StdoutClosed:
        code = ReaderGone.exit_code
    except Ended as e:
        console.complain(f"Ended by {e.name}.")
        return e.exit_code
    except Exception as e:
        return _report(e, debug=debug)
    if code == INTERRUPTED:
        console.complain("Interrupted.")
    if code == ReaderGone.exit_code:
        console.forget_stdout()
    return code if isinstance(code, int) else 0


def _umt(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")
    ] = False,
) -> None:
    """Play any music again with another instrument."""
    del debug  # main() has taken it already; here it is documented
    if version:
        console.print_result(f"umt {__version__} (Python {platform.python_version()})")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _add_commands(app: typer.Typer, manager: PluginManager, name: str, taken: set[str]) -> set[str]:
    """Add one plugin's commands, all or none."""
    own = typer.Typer(add_completion=False)
    # a group needs a callback or a command of its own before it can be built
    own.callback()(_umt)
    manager.call(name, "umt_commands", app=own)
    names = set(get_group(own).commands)
    for clash in sorted(names & taken):
        raise PluginError(f"another plugin, or umt itself, has the command {clash} already")
    app.registered_commands += own.registered_commands
    app.registered_groups += own.registered_groups
    return names


def _take_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """Take --debug from wherever it stands: who hits an error appends it to the line."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = [argument for argument in arguments[:end] if argument != "--debug"]
    return options + arguments[end:], len(options) < end


@contextmanager
def _logging(*, debug: bool) -> Iterator[None]:
    """With --debug, show what umt logs: tracebacks of failures that did not end the command."""
    logger, handler = logging.getLogger("umtcli"), logging.StreamHandler()
    if debug:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def _report(error: Exception, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, _CommandLineError):
        command = error.ctx.command_path if getattr(error, "ctx", None) else "umt"
        console.complain(f"{error.format_message().rstrip('.')}. Try `{command} --help`.")
        return int(error.exit_code)
    if isinstance(error, UmtError):
        console.complain(str(error))
        return error.exit_code
    console.complain(
        f"Unexpected {type(error).__name__}: {error}. This is a bug in umt or in a plugin; "
        "--debug shows where."
    )
    return 1
