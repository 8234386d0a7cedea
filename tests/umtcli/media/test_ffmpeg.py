import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from umtcli.errors import MediaError
from umtcli.media import ffmpeg_version, find_ffmpeg
from umtcli.media.ffmpeg import PIPE_IN, decode_command, encode_command, file_url
from umtcli.media.formats import find_format


def fake_program(folder: Path, name: str = "ffmpeg") -> Path:
    program = folder / name
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    return program


def test_the_one_that_comes_with_umt_is_preferred(tmp_path, monkeypatch):
    fake_program(tmp_path)
    monkeypatch.delenv("UMT_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == imageio_ffmpeg.get_ffmpeg_exe()


def test_where_none_came_that_on_the_path_is_found(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nexit 0\n")  # it is asked for its version
    program.chmod(0o755)
    monkeypatch.delenv("UMT_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(imageio_ffmpeg._utils, "FNAME_PER_PLATFORM", {})
    imageio_ffmpeg._utils._get_ffmpeg_exe.cache_clear()
    try:
        assert find_ffmpeg() == str(program)
    finally:
        imageio_ffmpeg._utils._get_ffmpeg_exe.cache_clear()


def test_the_environment_overrides_both(tmp_path, monkeypatch):
    program = fake_program(tmp_path, "mine")
    monkeypatch.setenv("UMT_FFMPEG", str(program))
    assert find_ffmpeg() == str(program)


def test_an_override_that_names_nothing_is_an_error(monkeypatch):
    monkeypatch.setenv("UMT_FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(MediaError, match="UMT_FFMPEG=/nowhere/ffmpeg: no such program"):
        find_ffmpeg()


def test_without_any_ffmpeg_the_error_says_what_to_install(tmp_path, monkeypatch):
    def none_there():
        raise RuntimeError

    monkeypatch.delenv("UMT_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none_there)
    with pytest.raises(MediaError, match="Install ffmpeg"):
        find_ffmpeg()


def test_the_version_is_what_ffmpeg_says(any_ffmpeg):
    assert any(character.isdigit() for character in ffmpeg_version())


def test_a_program_that_fails_has_no_version(tmp_path, monkeypatch):
    monkeypatch.setenv("UMT_FFMPEG", str(fake_program(tmp_path)))
    with pytest.raises(MediaError, match="exit status 3"):
        ffmpeg_version()


def test_an_input_can_reach_nothing_but_itself():
    from_file = decode_command(file_url(Path("a.mp3")))
    from_pipe = decode_command(PIPE_IN)
    assert from_file[from_file.index("-protocol_whitelist") + 1] == "file"
    assert from_pipe[from_pipe.index("-protocol_whitelist") + 1] == "pipe"
    allowed = from_file[from_file.index("-format_whitelist") + 1].split(",")
    assert not {"hls", "dash", "concat", "sdp", "rtsp", "image2", "imf", "lavfi"} & set(allowed)
    assert {"mp3", "wav", "flac", "ogg", "mov", "matroska"} <= set(allowed)


def test_input_options_come_before_the_input_and_output_options_after():
    command = decode_command("file:a.mp3")
    at = command.index("file:a.mp3")
    assert command.index("-format_whitelist") < at < command.index("-map_metadata")
    assert command[-1] == "pipe:1"
    assert "-nostdin" in command


def test_tags_are_arguments_of_their_own():
    tags = {"title": "a; rm -rf /", "comment": "two\nlines", "bad=key": "x", "": "y"}
    command = encode_command(
        "file:a.mp3", find_format("mp3", ""), sample_rate=44100, num_channels=1, bits=32, tags=tags
    )
    values = [command[i + 1] for i, word in enumerate(command) if word == "-metadata"]
    assert values == ["title=a; rm -rf /", "comment=two\nlines"]


def test_importing_media_loads_no_torch():
    import subprocess

    code = "import sys, umtcli.media; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
