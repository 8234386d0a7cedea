"""In folders, all that can be decoded is found once, and nothing that umt made itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from signals import noise, write
from umtcli.errors import UsageError
from umtcli.pipeline.discovery import Source, find_sources
from umtcli.pipeline.jobs import Selection
from umtcli.pipeline.manifest import Made, Manifest, Manifests


def found(folder: Path, **selection: tuple[str, ...]) -> list[str]:
    """What is found in a folder, as paths in it."""
    sources = find_sources([str(folder)], Selection(**selection), Manifests())
    assert all(source.found for source in sources)
    paths = [source.path for source in sources if source.path]
    assert [source.folder for source in sources] == [p.parent.relative_to(folder) for p in paths]
    return [path.relative_to(folder).as_posix() for path in paths]


def touch(path: Path) -> Path:
    """A file whose name says that it is audio, which is enough to be an input."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for name in ("b.mp3", "cd1/a.flac", "cd1/demos/x.wav", "cd2/A.FLAC"):
        touch(tmp_path / name)
    return tmp_path


def test_a_tree_is_searched_in_the_order_of_its_paths(album: Path) -> None:
    assert found(album) == ["b.mp3", "cd1/a.flac", "cd1/demos/x.wav", "cd2/A.FLAC"]


def test_what_has_no_audio_suffix_is_asked_ffmpeg(tmp_path: Path) -> None:
    write(tmp_path / "song.wav", noise(0.1)).rename(tmp_path / "song")
    (tmp_path / "notes").write_text("a great album")
    assert found(tmp_path) == ["song"]


def test_what_is_hidden_is_left_alone(tmp_path: Path) -> None:
    for name in ("a.wav", "._a.wav", ".cache/b.wav"):
        touch(tmp_path / name)
    assert found(tmp_path) == ["a.wav"]


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        ({"include": ("*.flac",)}, ["cd1/a.flac"]),
        ({"include": ("*.flac", "*.FLAC")}, ["cd1/a.flac", "cd2/A.FLAC"]),
        ({"include": ("cd1",)}, ["cd1/a.flac", "cd1/demos/x.wav"]),
        ({"include": ("cd?/*",), "exclude": ("demos/",)}, ["cd1/a.flac", "cd2/A.FLAC"]),
        ({"exclude": ("cd1/demos", "b.*")}, ["cd1/a.flac", "cd2/A.FLAC"]),
        ({"exclude": ("a.flac",)}, ["b.mp3", "cd1/demos/x.wav", "cd2/A.FLAC"]),
    ],
)
def test_patterns_choose(
    album: Path, selection: dict[str, tuple[str, ...]], left: list[str]
) -> None:
    assert found(album, **selection) == left


def test_patterns_that_leave_nothing_are_wrong_usage(album: Path) -> None:
    with pytest.raises(UsageError, match=r"no audio in the folder .* that is meant"):
        found(album, include=("*.ogg",))


def test_what_is_named_is_meant_whatever_the_patterns_say(album: Path) -> None:
    song = album / "b.mp3"
    (source,) = find_sources([str(song)], Selection(exclude=("*",)), Manifests())
    assert source == Source(song)


def test_links_that_lead_back_are_followed_once(album: Path) -> None:
    (album / "cd1" / "loop").symlink_to(album)
    (album / "cd2" / "self").symlink_to(album / "cd2")
    (album / "aaa").symlink_to(album / "cd2")
    assert found(album) == ["b.mp3", "cd1/a.flac", "cd1/demos/x.wav", "cd2/A.FLAC"]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "a.wav")
    (tmp_path / "album").mkdir()
    (tmp_path / "album" / "cd1").symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path / "album") == ["cd1/a.wav"]


def test_what_umt_made_is_no_input_until_somebody_changes_it(tmp_path: Path) -> None:
    song, made = write(tmp_path / "a.wav", noise(0.1)), write(tmp_path / "a-x.wav", noise(0.2))
    Manifest(tmp_path).append(made.name, Made.of(made, "key", 0.2))
    assert found(tmp_path) == [song.name]
    write(made, noise(0.3))
    assert found(tmp_path) == [made.name, song.name]


def test_a_file_that_is_named_and_found_is_one_input(album: Path) -> None:
    song = album / "cd1" / "a.flac"
    sources = find_sources([str(album / "cd1"), str(song)], Selection(), Manifests())
    assert [source.path for source in sources] == [song, album / "cd1" / "demos" / "x.wav"]
    assert not sources[0].found
