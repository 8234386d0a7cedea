import builtins
import subprocess

import numpy as np
import pytest
import soundfile

from umtcli.errors import EncodeError, MediaError
from umtcli.media import AudioWriter, open_audio, probe
from umtcli.media.backend import Encoding
from umtcli.media.formats import find_format
from umtcli.media.pcm import stores

FORMATS = ["wav", "rf64", "aiff", "au", "caf", "flac"]


@pytest.fixture
def started(monkeypatch):
    """The programs that were started."""
    programs = []

    class Spy(subprocess.Popen):
        def __init__(self, command, **options):
            programs.append(command[0])
            super().__init__(command, **options)

    monkeypatch.setattr(subprocess, "Popen", Spy)
    return programs


def encoding(name, *, sample_rate=44100, bits=16, tags=None):
    return Encoding(find_format(name, ""), sample_rate, 2, bits, tags or {})


def write(path, samples, **options):
    options = {"sample_rate": 44100, "num_channels": samples.shape[1]} | options
    with AudioWriter(path, **options) as writer:
        writer.write(samples)
    return path


# --- what it is for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "bits"),
    [(name, bits) for name in FORMATS for bits in (16, 24, 32) if (name, bits) != ("flac", 32)],
)
def test_a_pcm_file_starts_no_process(tmp_path, tone, started, name, bits):
    tags = {"comment": "umt 0.1", "encoded_by": "umt"}
    write(tmp_path / f"a.{name}", tone(440, num_samples=9000), bits=bits, tags=tags)
    assert started == []


def test_other_files_and_streams_start_ffmpeg(tmp_path, tone, started):
    write(tmp_path / "a.mp3", tone(440, num_samples=9000))
    with (tmp_path / "a.wav").open("wb") as sink:
        write(sink, tone(440, num_samples=9000))
    assert len(started) == 2


def test_a_pcm_file_needs_no_ffmpeg(tmp_path, tone, monkeypatch):
    monkeypatch.setenv("UMT_FFMPEG", "/nowhere/ffmpeg")
    assert write(tmp_path / "a.wav", tone(440, num_samples=9000)).exists()


# --- what is left to ffmpeg -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mp3", "ogg", "alac", "m4a", "opus"])
def test_compressed_formats_are_not_stored(name):
    assert not stores(encoding(name))


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 65535, 88200, 192000, 384000, 655350])
def test_a_flac_of_any_rate_is_stored(tmp_path, tone, rate):
    path = write(tmp_path / "a.flac", tone(440, num_samples=9000), sample_rate=rate)
    assert soundfile.info(path).samplerate == rate
    assert stores(encoding("flac", sample_rate=rate))


def test_a_rate_that_flac_has_no_code_for_is_told(tmp_path, tone):
    with pytest.raises(EncodeError, match=r"a\.flac: 1200000 Hz not supported"):
        write(tmp_path / "a.flac", tone(440, num_samples=9000), sample_rate=1_200_000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["wav", "aiff", "flac"])
@pytest.mark.parametrize("num_lines", [1, 1000, 2500, 2640, 2660, 2700, 3000, 15_000])
def test_tags_of_any_length_are_written(tmp_path, tone, read_all, name, num_lines):
    tags = {"title": "x", "comment": "la\n" * num_lines}
    music = tone(440, num_samples=9000)
    with open_audio(write(tmp_path / f"a.{name}", music, bits=24, tags=tags)) as reader:
        assert reader.tags == tags
        assert np.abs(read_all(reader) - music).max() < 2**-23


def test_many_tags_of_a_caf_are_written(tmp_path, tone, started):
    tags = {f"tag{i}": "la " * 300 for i in range(9)}  # ffmpeg reads the first 1023 of each
    path = write(tmp_path / "a.caf", tone(440, num_samples=9000), tags=tags)
    assert len(started) == 1
    assert probe(path).tags == tags


def test_an_au_with_an_annotation_is_left_to_ffmpeg():
    assert stores(encoding("au", tags={"comment": "dropped by ffmpeg, too"}))
    assert not stores(encoding("au", tags={"title": "Vexations"}))


# --- what libsndfile would do -----------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("bits", [16, 24])
def test_integers_are_stored_as_they_are(tmp_path, name, bits):
    # 2**15 and 2**23 levels about zero, and both ends of the range
    levels = np.r_[np.arange(-300, 300), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
    music = (levels / 2 ** (bits - 1)).astype(np.float32)[:, None]
    path = write(tmp_path / f"a.{name}", music, bits=bits)
    stored = soundfile.read(path, dtype="int32")[0] >> (32 - bits)
    if bits == 24:
        np.testing.assert_array_equal(stored, levels)
    else:  # within the dither
        assert np.abs(stored - levels).max() <= 1


@pytest.mark.parametrize("name", ["wav", "rf64", "aiff", "caf"])
def test_a_float_file_does_not_tell_the_time(tmp_path, tone, name):
    path = write(tmp_path / f"a.{name}", tone(440, num_samples=9000), bits=32)
    assert b"peak" not in path.read_bytes()[:8192].lower()


def test_a_wav_beyond_4_gb_is_rf64(tmp_path):
    writer = AudioWriter(tmp_path / "a.wav", sample_rate=48000, num_channels=2, bits=32)
    block = np.full((1000, 2), 0.25, np.float32)
    writer.write(block)
    backend = writer._backend
    num_samples = backend._sound.seek(600_000_000) + 1000  # a hole, which takes no space
    writer.write(block)
    backend._num_samples = num_samples
    writer.close()
    path = tmp_path / "a.wav"
    assert path.stat().st_size > 2**32
    with path.open("rb") as file:
        assert file.read(4) == b"RF64"
    found = probe(path)
    assert found.duration_s == pytest.approx(num_samples / 48000, abs=0.01)
    with soundfile.SoundFile(path) as file:
        assert file.frames == num_samples
        file.seek(-1000, soundfile.SEEK_END)
        np.testing.assert_array_equal(file.read(), block)


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["flac", "wav", "aiff", "caf"])
@pytest.mark.parametrize("comment_bytes", [0, 5000])
@pytest.mark.parametrize("num_samples", [10, 3000])
def test_a_write_that_fails_unseen_is_told(
    tmp_path, write_under_a_limit, name, comment_bytes, num_samples
):
    # the limit falls into the head, or into FLAC's last frame, which is written on closing
    told = write_under_a_limit(f"a.{name}", 1000, num_samples, comment="x" * comment_bytes)
    if num_samples == 10 and not comment_bytes and name != "caf":  # whose head has 4 kB
        assert told == "written"
        assert soundfile.info(tmp_path / f"a.{name}").frames == 10
    else:
        assert told.startswith(f"Cannot write a.{name}: File too large. Raise the limit")
        assert list(tmp_path.iterdir()) == []


def test_what_libsndfile_refuses_is_told(tmp_path):
    with pytest.raises(EncodeError, match=r"Cannot write .*a\.flac: .*"):
        AudioWriter(tmp_path / "a.flac", sample_rate=44100, num_channels=9)
    assert list(tmp_path.iterdir()) == []


def test_without_libsndfile_nothing_is_left_behind(tmp_path, monkeypatch):
    real = builtins.__import__

    def fail(name, *rest):
        if name == "soundfile":
            raise OSError("sndfile library not found")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(MediaError, match=r"Cannot load libsndfile: .*not found. Install"):
        AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=1)
    assert list(tmp_path.iterdir()) == []
