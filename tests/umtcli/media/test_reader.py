"""What is read is what was recorded: every format, in blocks, under any name."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from umtcli.errors import DecodeError
from umtcli.media import open_audio

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
