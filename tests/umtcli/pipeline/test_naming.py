"""Outputs get the names that users ask for, and never leave the folder they named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from umtcli.catalog import Catalog
from umtcli.errors import UsageError
from umtcli.pipeline.discovery import Source
from umtcli.pipeline.jobs import Request
from umtcli.pipeline.naming import Naming
from umtcli.pipeline.players import Scribe, find_player


def named(catalog: Catalog, source: Source, **request: object) -> str:
    """The path of one output, played by `low`."""
    asked = Request(("x",), ("low",), **request)
    path, _ = Naming(asked, 1, folders=False).output(source, find_player("low", catalog))
    assert path is not None
    return path.as_posix()


SONG = Source(Path("album/cd1/song.mp3"), Path("cd1"), found=True)


def test_a_tree_is_mirrored(catalog: Catalog) -> None:
    assert named(catalog, SONG, output="out") == "out/cd1/song-low.mp3"


def test_a_tree_can_be_made_flat(catalog: Catalog) -> None:
    assert named(catalog, SONG, output="out", flat=True) == "out/song-low.mp3"


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{stem}.{ext}", "song.mp3"),
        ("{name}-{domain}.{ext}", "song.mp3-low.mp3"),
        ("{domain}/{stem}.{ext}", "low/song.mp3"),
        ("{stem}.flac", "song.flac"),
        ("{stem}{stem}.{ext}", "songsong.mp3"),
    ],
)
def test_a_template_names_outputs(catalog: Catalog, template: str, name: str) -> None:
    assert named(catalog, SONG, output="out", name=template) == f"out/cd1/{name}"
    assert named(catalog, SONG, name=template) == f"album/cd1/{name}"


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({}, "album/cd1/song.mid"),
        ({"output": "out"}, "out/cd1/song.mid"),
        ({"output": "out", "flat": True}, "out/song.mid"),
        ({"output": "out/take.v1.flac"}, "out/take.v1.mid"),
        ({"name": "{domain}/{stem}.{ext}", "format": "flac"}, "album/cd1/midi/song.mid"),
        ({"name": "{name}-{domain}.{ext}"}, "album/cd1/song.mp3-midi.mid"),
        ({"name": "{stem}.v2.flac"}, "album/cd1/song.v2.mid"),
        ({"name": "{stem}.v2", "format": "flac"}, "album/cd1/song.v2.mid"),
    ],
)
def test_notes_lie_where_the_outputs_lie(
    catalog: Catalog, request_: dict[str, object], path: str
) -> None:
    naming = Naming(Request(("x",), ("low",), **request_), 1, folders=False)
    assert naming.notes(SONG, Scribe("midi", catalog.domain("low"))).as_posix() == path


def test_braces_in_the_name_of_an_input_mean_nothing(catalog: Catalog) -> None:
    source = Source(Path("{domain}{0}.wav"))
    assert named(catalog, source, name="{stem}-{domain}.{ext}") == "{domain}{0}-low.wav"


@pytest.mark.parametrize("template", ["{title}.{ext}", "{stem", "{}.{ext}", "{stem!r}.{ext}"])
def test_a_template_of_unknown_fields_is_wrong_usage(catalog: Catalog, template: str) -> None:
    with pytest.raises(UsageError, match=r"the fields are \{stem\}, \{name\}, \{domain\}, \{ext\}"):
        named(catalog, SONG, name=template)


@pytest.mark.parametrize(
    ("template", "source"),
    [
        ("../{stem}.{ext}", "song.wav"),
        ("/{stem}.{ext}", "song.wav"),
        ("{stem}/{domain}.{ext}", "...wav"),  # whose stem is `..`
    ],
)
def test_no_output_leaves_its_folder(catalog: Catalog, template: str, source: str) -> None:
    with pytest.raises(UsageError, match="choose another"):
        named(catalog, Source(Path(source)), output="out", name=template)


def test_a_template_must_end_in_a_format(catalog: Catalog) -> None:
    with pytest.raises(UsageError, match="no suffix that umt can write"):
        named(catalog, SONG, name="{stem}-{domain}")
    assert named(catalog, SONG, name="{stem}-{domain}", format="wav") == "album/cd1/song-low"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"flat": True}, "-o FOLDER"),
        ({"output": "x.wav", "name": "{stem}.{ext}"}, "leave out --name"),
        ({"output": "-", "name": "{stem}.{ext}"}, "leave out --name"),
    ],
)
def test_what_makes_no_sense_together_is_wrong_usage(
    catalog: Catalog, request_: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        named(catalog, SONG, **request_)


def test_a_stem_keeps_its_dots(catalog: Catalog) -> None:
    source = Source(Path(f"a{os.sep}song.v2.wav"))
    assert named(catalog, source) == "a/song.v2-low.wav"
