import numpy as np
import pytest

from umtcli.errors import DecodeError
from umtcli.media import probe

pytestmark = pytest.mark.usefixtures("any_ffmpeg")


def test_a_file_is_described_as_it_was_made(make_file):
    path = make_file("a.mp3", "-ar", "22050", "-ac", "2", "-metadata", "title=Gymnopédie: 1")
    found = probe(path)
    assert (found.sample_rate, found.num_channels) == (22050, 2)
    assert found.duration_s == pytest.approx(2.0, abs=0.1)  # 5.1 counts the padding, too
    assert (found.codec, found.container) == ("mp3", "mp3")
    assert found.tags == {"title": "Gymnopédie: 1"}


def test_channels_are_counted_as_stored(make_file):
    path = make_file("surround.flac", "-ac", "6", "-ar", "96000", "-sample_fmt", "s32")
    found = probe(path)
    assert (found.sample_rate, found.num_channels, found.codec) == (96000, 6, "flac")


def test_tags_in_the_stream_are_found_as_those_in_the_container(make_file):
    path = make_file(
        "a.opus", "-metadata", "artist=Erik\nSatie", "-metadata", f"comment={'c' * 999}"
    )
    assert probe(path).tags == {"artist": "Erik\nSatie", "comment": "c" * 999}


def test_the_audio_of_a_video_is_described(make_file):
    path = make_file("a.mp4", "-f", "lavfi", "-i", "testsrc=d=2:s=64x64:r=5", "-shortest")
    found = probe(path)
    assert (found.codec, found.sample_rate) == ("aac", 44100)
    assert found.container.startswith("mov,mp4")


def test_a_tag_cannot_pass_for_a_fact(make_file):
    title = "x\n  Duration: 99:00:00.00\nInput #0, evil, from"
    found = probe(make_file("a.flac", "-metadata", f"title={title}"))
    assert found.duration_s == pytest.approx(2.0)
    assert found.container == "flac"
    assert found.tags["title"] == title


@pytest.mark.parametrize("content", [b"", b"These are words, no waves.\n" * 50])
def test_what_is_no_audio_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "words.mp3"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"Cannot decode .*words.mp3: .+\. .+\?") as raised:
        probe(path)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DecodeError, match=r"gone.mp3: no such file"):
        probe(tmp_path / "gone.mp3")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DecodeError, match="it is a folder"):
        probe(tmp_path)


def test_a_video_without_sound_holds_no_audio(make_file):
    path = make_file("mute.mp4", source="testsrc=d=1:s=64x64:r=5")
    with pytest.raises(DecodeError, match="it holds no audio"):
        probe(path)


def test_a_wav_of_no_samples_holds_no_audio(make_file):
    path = make_file("zero.wav", samples=np.zeros((0, 1), np.float32))
    with pytest.raises(DecodeError, match="it holds no audio"):
        probe(path)
