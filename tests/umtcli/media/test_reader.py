import io
import os
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from umtcli.errors import DecodeError
from umtcli.media import find_ffmpeg, open_audio

NUM_SAMPLES = 2 * 44100 + 777


@pytest.fixture
def stereo(tone):
    return tone(440, 660, num_samples=NUM_SAMPLES)


# --- every format ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.wav", ["-c:a", "pcm_f32le"], 0),
        ("a.wav", ["-c:a", "pcm_s24le"], 2**-23),
        ("a.flac", [], 2**-15),
        ("a.aiff", [], 2**-15),
        ("a.mp3", ["-b:a", "192k"], 0.02),
        ("a.ogg", ["-c:a", "libvorbis", "-q:a", "6"], 0.02),
        ("a.mkv", ["-c:a", "flac"], 2**-15),
    ],
)
@pytest.mark.usefixtures("any_ffmpeg")
def test_samples_come_back_in_number_and_place(
    make_file, stereo, read_all, name, options, tolerance
):
    path = make_file(name, *options, samples=stereo)
    reader = open_audio(path)
    decoded = read_all(reader)
    assert decoded.dtype == np.float32
    assert decoded.shape == stereo.shape
    assert (reader.sample_rate, reader.num_channels) == (44100, 2)
    assert reader.num_samples == len(stereo)
    assert reader.warning is None
    # a lossy codec has its transients at the very ends
    inner = slice(2000, -2000) if tolerance > 0.01 else slice(None)
    assert np.abs(decoded[inner] - stereo[inner]).max() <= tolerance


@pytest.mark.usefixtures("any_ffmpeg")
def test_opus_comes_back_at_48_khz(make_file, stereo, read_all):
    reader = open_audio(make_file("a.opus", samples=stereo))
    decoded = read_all(reader)
    assert reader.sample_rate == 48000
    assert abs(len(decoded) - len(stereo) * 48000 / 44100) <= 1


@pytest.mark.usefixtures("any_ffmpeg")
def test_aac_comes_back_in_number_and_place(make_file, stereo, read_all):
    decoded = read_all(open_audio(make_file("a.m4a", "-b:a", "192k", samples=stereo)))
    assert len(decoded) == len(stereo)
    assert np.abs(decoded[2000:-2000] - stereo[2000:-2000]).max() < 0.1


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_the_audio_of_a_video_is_read(make_file, read_all, name):
    path = make_file(
        name, "-f", "lavfi", "-i", "testsrc=d=2:s=64x64:r=5", "-c:a", "flac", "-strict", "-2"
    )
    reader = open_audio(path)
    assert len(read_all(reader)) == 2 * 44100
    assert reader.warning is None


def test_sound_shorter_than_its_film_is_no_loss(make_file, read_all):
    path = make_file("film.mkv", "-f", "lavfi", "-i", "testsrc=d=5:s=64x64:r=5", "-c:a", "flac")
    reader = open_audio(path)
    assert len(read_all(reader)) == 2 * 44100
    assert reader.warning is None


@pytest.mark.parametrize("num_samples", [44100, 50_000, 102_400])
@pytest.mark.usefixtures("any_ffmpeg")
def test_the_padding_of_aac_is_no_music(make_file, tone, read_all, num_samples):
    path = make_file("a.m4a", samples=tone(440, num_samples=num_samples))
    reader = open_audio(path, block_s=0.01)
    assert len(read_all(reader)) == num_samples
    assert reader.warning is None


def test_low_rates_stay_as_they_are(make_file, read_all):
    reader = open_audio(make_file("a.wav", "-ar", "8000"))
    assert read_all(reader).shape == (16000, 1)
    assert reader.sample_rate == 8000


@pytest.mark.usefixtures("any_ffmpeg")
def test_six_channels_are_mixed_by_the_standard_matrix(tmp_path, read_all):
    # FL FR FC LFE SL SR, each heard alone in turn
    alone = np.kron(np.eye(6), np.ones((4000, 1))) * 0.5
    path = tmp_path / "surround.wav"
    soundfile.write(path, alone, 96000, format="WAVEX", subtype="PCM_24")
    reader = open_audio(path)
    heard = read_all(reader)[2000::4000] / 0.5
    assert (reader.sample_rate, reader.num_channels) == (96000, 2)
    # ITU-R BS.775: centre and surrounds at -3 dB, no LFE
    half_power = 1 / np.sqrt(2)
    left = np.array([1, 0, half_power, 0, half_power, 0])
    right = np.array([0, 1, half_power, 0, 0, half_power])
    np.testing.assert_allclose(heard, np.stack([left, right], axis=1), atol=1e-3)


def test_tags_and_duration_are_known_from_the_start(make_file):
    with open_audio(make_file("a.flac", "-metadata", "title=Gnossienne")) as reader:
        assert reader.tags == {"title": "Gnossienne"}
        assert reader.duration_s == pytest.approx(2.0)
        assert reader.num_samples == 0


# --- blocks ----------------------------------------------------------------------------------


def test_blocks_have_the_length_asked_for(make_file, stereo):
    with open_audio(make_file("a.wav", samples=stereo), block_s=0.5) as reader:
        lengths = [len(block) for block in reader]
    assert lengths == [22050] * 4 + [777]


def test_blocks_may_be_changed_in_place(make_file, stereo):
    with open_audio(make_file("a.wav", samples=stereo)) as reader:
        for block in reader:
            block *= 2


def test_num_samples_counts_what_was_handed_out(make_file, stereo):
    with open_audio(make_file("a.wav", samples=stereo), block_s=0.5) as reader:
        next(reader)
        next(reader)
        assert reader.num_samples == 44100


def test_a_closed_reader_is_at_its_end(make_file):
    reader = open_audio(make_file("a.wav"), block_s=0.1)
    next(reader)
    reader.close()
    reader.close()
    assert list(reader) == []
    assert reader.warning is None


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "with spaces.wav",
        "-dash.wav",
        "concat:a|b.wav",
        "http:__host.wav",
        "frame%03d.wav",
        "Érik — Сати 音楽.wav",
        "two\nlines.wav",
        "quote'\"`$HOME.wav",
        "no suffix",
    ],
)
@pytest.mark.usefixtures("any_ffmpeg")
def test_any_name_is_only_a_name(make_file, tmp_path, monkeypatch, read_all, name):
    make_file("plain.wav").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert len(read_all(open_audio(Path(name)))) == 2 * 44100


def test_messages_stay_on_one_line_whatever_the_name(tmp_path):
    with pytest.raises(DecodeError) as raised:
        open_audio(tmp_path / "two\nlines.wav")
    assert "\n" not in str(raised.value)
    assert r"two\nlines.wav" in str(raised.value)


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


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.usefixtures("any_ffmpeg")
def test_words_are_refused(tmp_path, piped):
    path = tmp_path / "words.mp3"
    path.write_bytes(b"These are words, no waves.\n" * 50)
    source = io.BytesIO(path.read_bytes()) if piped else path
    with pytest.raises(DecodeError, match=r"Cannot decode (standard input|.*words.mp3): .+"):
        open_audio(source)


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


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "locked.wav"
    path.write_bytes(b"RIFF")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read anything
    with pytest.raises(DecodeError, match="permission denied"):
        open_audio(path)


# --- pipes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_stream_reads_as_the_file_does(make_file, stereo, read_all, name):
    path = make_file(name, "-metadata", "title=Vexations", samples=stereo)
    with path.open("rb") as source:
        reader = open_audio(source)
        streamed = read_all(reader)
    np.testing.assert_array_equal(streamed, read_all(open_audio(path)))
    assert reader.tags["title"] == "Vexations"
    assert reader.duration_s is None
    assert reader.warning is None


def test_a_live_pipe_is_read_while_it_is_written(make_file, stereo):
    content = make_file("a.wav", samples=stereo).read_bytes()
    read_end, write_end = os.pipe()
    heard = threading.Event()

    def play() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(content[:300_000])
            pipe.flush()
            assert heard.wait(timeout=30)  # the rest comes only once the start was heard
            pipe.write(content[300_000:])

    thread = threading.Thread(target=play)
    thread.start()
    with os.fdopen(read_end, "rb") as source, open_audio(source, block_s=0.1) as reader:
        blocks = [next(reader)]
        heard.set()
        blocks.extend(reader)
    thread.join()
    assert sum(map(len, blocks)) == len(stereo)


def test_the_endless_length_in_the_head_of_a_pipe_is_no_loss(stereo, read_all):
    raw = ["-f", "f32le", "-ar", "44100", "-ac", "2", "-i", "pipe:0"]
    streamed = subprocess.run(
        [find_ffmpeg(), "-v", "error", *raw, "-f", "wav", "pipe:1"],
        input=stereo.tobytes(),
        capture_output=True,
        check=True,
    ).stdout
    reader = open_audio(io.BytesIO(streamed))
    assert len(read_all(reader)) == len(stereo)
    assert reader.warning is None


def test_a_named_pipe_is_read(make_file, tmp_path, read_all):
    content = make_file("a.wav").read_bytes()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    thread = threading.Thread(target=fifo.write_bytes, args=(content,))
    thread.start()
    assert len(read_all(open_audio(fifo))) == 2 * 44100
    thread.join()


def test_closing_early_ends_the_feeding_of_a_long_stream(make_file, tone):
    content = make_file("a.wav", samples=tone(440, num_samples=30 * 44100)).read_bytes()
    with open_audio(io.BytesIO(content), block_s=0.1) as reader:
        next(reader)


def test_closing_does_not_wait_for_a_source_that_fell_silent(make_file, stereo):
    read_end, write_end = os.pipe()
    content = make_file("a.wav", samples=stereo).read_bytes()
    with os.fdopen(write_end, "wb") as pipe, os.fdopen(read_end, "rb") as source:
        threads = set(threading.enumerate())
        writing = threading.Thread(target=pipe.write, args=(content,))
        writing.start()
        with open_audio(source, block_s=0.1) as reader:
            next(reader)
            writing.join()
        # the source is open still, and nobody writes to it: its feeder is left behind
        pipe.close()
        for thread in set(threading.enumerate()) - threads:
            thread.join()


def test_a_source_that_fails_midway_is_told(make_file, tone, read_all):
    class Failing(io.BytesIO):
        def read1(self, size=-1):
            if self.tell() >= 1_000_000:
                raise OSError(5, "Input/output error")
            return super().read1(size)

    content = make_file("a.wav", samples=tone(440, num_samples=30 * 44100)).read_bytes()
    reader = open_audio(Failing(content))
    assert len(read_all(reader)) > 400_000
    assert reader.warning is not None
    assert "Input/output error" in reader.warning


def test_an_exception_inside_leaves_nothing_running(make_file):
    path = make_file("a.wav")
    threads = threading.active_count()

    def give_up_midway() -> None:
        with open_audio(path, block_s=0.1) as reader:
            next(reader)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up_midway()
    assert threading.active_count() == threads
