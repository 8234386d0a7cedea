"""Nothing raw reaches the terminal, and results stay apart from messages."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from umtcli import console

HOSTILE = "song\x1b[2J\x07\r\n[bold red]x[/]:smile:\u202e\udcff.wav"


@given(st.text(st.characters(exclude_categories=[])))
def test_safe_text_holds_nothing_a_terminal_acts_on(text: str) -> None:
    safe = console.safe(text)
    assert {unicodedata.category(c) for c in safe}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    safe.encode()


@pytest.mark.parametrize("text", ["café – naïve.wav", "日本語.flac", "a b.wav", "[x].wav"])
def test_harmless_names_stay_as_they_are(text: str) -> None:
    assert console.safe(text) == text


def test_a_hostile_message_is_one_harmless_line_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console.complain(HOSTILE)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == ("Error: song\\x1b[2J\\x07\\r\\n[bold red]x[/]:smile:\\u202e\\udcff.wav\n")


def test_long_messages_are_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    console.say("word " * 100)
    assert capsys.readouterr().err.count("\n") == 1


def test_a_piped_table_has_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(("name", "text"), [("[red]a[/]", "word " * 50), ("b\n", "x")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("[red]a[/]")
    assert lines[2].split() == ["b\\n", "x"]


def test_fields_are_names_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_fields([("rate", "44100 Hz"), ("licence", "CC0")])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["rate     44100 Hz", "licence  CC0"]


@pytest.mark.parametrize("stderr", [False, True])
def test_json_is_one_line_that_reads_back(
    capsys: pytest.CaptureFixture[str], *, stderr: bool
) -> None:
    value = {"input": HOSTILE, "text": "word " * 100}
    console.print_json(value, stderr=stderr)
    captured = capsys.readouterr()
    text, other = (captured.err, captured.out) if stderr else (captured.out, captured.err)
    assert other == ""
    assert text.count("\n") == 1
    assert json.loads(text) == value


def test_progress_takes_descriptions_literally(capsys: pytest.CaptureFixture[str]) -> None:
    with console.make_progress() as progress:
        progress.add_task("[red]a[/]", total=1)
        progress.refresh()
        assert progress.tasks[0].description == "[red]a[/]"
        (text_column, *_) = progress.columns
        assert str(text_column.render(progress.tasks[0])) == "[red]a[/]"
    assert capsys.readouterr().out == ""
