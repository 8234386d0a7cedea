"""What cannot be read is refused in a sentence; what is cut short is read and told."""

import io
from pathlib import Path

import numpy as np
import pytest

from umtcli.errors import DecodeError
from umtcli.media import open_audio

# --- what must not be opened -------------------------------------------------------------------


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\nsecret.wav\n#EXT-X-ENDLIST\n",
    "list.mp3": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\nsecret.wav\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile secret.wav\n",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "list.mpd": '<?xml version="1.0"?><MPD profiles="urn:mpeg:dash:profile:isoff-live:2011">'
    "<Period><AdaptationSet><Representation><BaseURL>secret.wav</BaseURL></Representation>"
    "</AdaptationSet></Period></MPD>",
}


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_playlist_does_not_open_what_it_names(make_file, tmp_path, monkeypatch, name, piped):
    make_file("secret.wav")
    (tmp_path / name).write_text(PLAYLISTS[name])
    monkeypatch.chdir(tmp_path)
    source = io.BytesIO(PLAYLISTS[name].encode()) if piped else Path(name)
    with pytest.raises(DecodeError, match="Cannot decode"):
        open_audio(source)


# --- broken files ----------------------------------------------------------------------------


@pytest.mark.usefixtures("any_ffmpeg")
def test_a_truncated_mp3_gives_what_it_has_and_says_so(make_file, read_all):
    path = make_file("a.mp3", source="sine=440:d=10")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader = open_audio(path)
    decoded = read_all(reader)
    assert 4 * 44100 < len(decoded) < 6 * 44100
    assert reader.warning is not None
    assert "a.mp3 may be incomplete" in reader.warning
    assert f"{len(decoded) / 44100:.2f} s were decoded" in reader.warning


@pytest.mark.usefixtures("any_ffmpeg")
def test_a_truncated_flac_gives_what_it_has_and_says_so(make_file, read_all):
    path = make_file("a.flac", source="anoisesrc=d=10:a=0.3")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    reader = open_audio(path)
    assert 4 * 44100 < len(read_all(reader)) < 6 * 44100
    assert reader.warning is not None


@pytest.mark.usefixtures("any_ffmpeg")
def test_an_m4a_without_its_index_is_refused(make_file):
    path = make_file("a.m4a")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DecodeError, match=r"moov atom not found\. Is the file complete\?"):
        open_audio(path)


@pytest.mark.parametrize("content", [b"These are words, no waves.\n" * 50, bytes(range(256)) * 9])
@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "m4a", "ogg"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_what_is_audio_by_its_name_alone_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"words.{suffix}"
    path.write_bytes(content)
    with pytest.raises(DecodeError) as raised:
        open_audio(path)
    assert str(raised.value) == (
        f"Cannot decode {path}: nothing in it can be read as audio. Is it the right file?"
    )


@pytest.mark.usefixtures("any_ffmpeg")
def test_words_are_refused_from_a_pipe():
    with pytest.raises(DecodeError) as raised:
        open_audio(io.BytesIO(b"These are words, no waves.\n" * 50))
    assert str(raised.value) == (
        "Cannot decode standard input: nothing in it can be read as audio. Is it the right file?"
    )


def test_an_empty_pipe_is_refused():
    with pytest.raises(DecodeError) as raised:
        open_audio(io.BytesIO())
    assert str(raised.value) == (
        "Cannot decode standard input: it is empty. Does anything write to it?"
    )


@pytest.mark.usefixtures("any_ffmpeg")
def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "empty.mp3"
    path.touch()
    with pytest.raises(DecodeError, match="the file is empty"):
        open_audio(path)


@pytest.mark.usefixtures("any_ffmpeg")
def test_a_wav_of_no_samples_is_refused(make_file):
    path = make_file("zero.wav", samples=np.zeros((0, 2), np.float32))
    with pytest.raises(DecodeError, match="it holds no audio"):
        open_audio(path)
