"""The frame around all commands: exit codes, one-line errors, plugins' commands."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import umtcli
from umtcli import cli
from umtcli.cli import main, make_app
from umtcli.plugins import PluginManager, make_plugin_manager

pytestmark = pytest.mark.usefixtures("toy_installed")

REPOSITORY = Path(umtcli.__file__).parents[1]


def plugin_manager(folder: Path, **modules: str) -> PluginManager:
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(f"from umtcli import hookimpl\n{text}")
    return make_plugin_manager([EntryPoint(name, name, "umt") for name in modules])


def with_command(body: str) -> str:
    return (
        f"@hookimpl\ndef umt_commands(app):\n    @app.command()\n    def extra():\n        {body}\n"
    )


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, **modules: str) -> None:
    plugin_manager(folder, **modules)
    found = [EntryPoint(name, name, "umt") for name in modules]
    monkeypatch.setattr(cli, "installed_entry_points", lambda: found)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith(f"umt {umtcli.__version__} ")


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert "domains" in out
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "Error: No such command 'nope'. Try `umt --help`."),
        (["check"], "Error: Missing argument 'NAME'. Try `umt check --help`."),
        (["check", "toy", "--nope"], "Error: No such option: --nope. Try `umt check --help`."),
        (["domains", "tay"], "Error: There is no domain 'tay'. Did you mean toy?"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [message]


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("raise __import__('umtcli').UmtError('it broke')", 1, "Error: it broke"),
        ("raise __import__('umtcli.errors').errors.UsageError('no')", 2, "Error: no"),
        ("raise RuntimeError('a bug')", 1, "Error: Unexpected RuntimeError: a bug."),
        ("raise KeyboardInterrupt", 130, "Error: Interrupted."),
        ("raise __import__('typer').Exit(7)", 7, ""),
    ],
)
def test_an_exception_becomes_one_line_and_an_exit_code(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    body: str,
    code: int,
    message: str,
) -> None:
    install(monkeypatch, site_folder, umt_extra=with_command(body))
    assert main(["extra"]) == code
    err = capsys.readouterr().err
    assert err.startswith(message)
    assert err.count("\n") == (1 if message else 0)


@pytest.mark.parametrize("arguments", [["--debug", "extra"], ["extra", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(
    site_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    install(monkeypatch, site_folder, umt_extra=with_command("raise RuntimeError('a bug')"))
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "in extra" in err


def test_debug_after_a_double_dash_is_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["domains", "--", "--debug"]) == 2
    assert "There is no domain '--debug'" in capsys.readouterr().err


def test_a_plugins_command_is_run(
    site_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, site_folder, umt_extra=with_command("print('hello')"))
    assert main(["extra"]) == 0
    assert capsys.readouterr().out == "hello\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("@hookimpl\ndef umt_commands(app):\n    1 / 0", "ZeroDivisionError: division by zero"),
        (
            "@hookimpl\ndef umt_commands(app):\n    @app.command()\n    def domains(): ...",
            "another plugin, or umt itself, has the command domains already",
        ),
        (
            "@hookimpl\ndef umt_commands(app):\n    @app.command()\n"
            "    def odd(x: 'NoSuchType'): ...",
            "NameError: name 'NoSuchType' is not defined",
        ),
    ],
)
def test_a_plugin_with_broken_commands_is_off_and_the_rest_goes_on(
    site_folder: Path, text: str, reason: str
) -> None:
    manager = plugin_manager(site_folder, umt_bad=text, umt_good=with_command("pass"))
    app = make_app(manager)
    assert reason in manager.info("umt_bad").off_because
    assert manager.info("umt_good").off_because == ""
    assert app(["extra"], standalone_mode=False) is None


def test_a_reader_that_goes_away_is_no_error() -> None:
    program = "import sys; from umtcli.cli import main; sys.exit(main(['--help']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait() in (0, 1)
    assert err == b""


def test_help_loads_neither_torch_nor_numpy() -> None:
    program = (
        "import sys; from umtcli.cli import main; main(['--help']); "
        "print(sorted({'torch', 'numpy', 'soundfile'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert "domains" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""
