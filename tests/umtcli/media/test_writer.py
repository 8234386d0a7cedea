"""What is written is what was played: every format, its tags, the same bytes each time."""

import wave

import numpy as np
import pytest
import soundfile

from umtcli.errors import EncodeError
from umtcli.media import AudioWriter, open_audio, probe

NUM_SAMPLES = 2 * 44100 + 777  # as many as `stereo` has

PCM = [
    (f"a.{name}", bits)
    for name in ("wav", "rf64", "caf", "aiff", "au", "flac")
    for bits in (16, 24, 32)
    if (name, bits) != ("flac", 32)
]
TAGS = {
    "title": "Gymnopédie: 1; =",
    "artist": "Erik Satie",
    "album": "音楽",
    "date": "1888",
    "genre": "Piano",
    "comment": "umt 0.1\npiano, Apache-2.0",
}


# --- every format ---------------------------------------------------------------------------


@pytest.mark.parametrize("num_samples", [999, NUM_SAMPLES])  # odd: chunks are padded
@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize(("name", "bits"), PCM)
def test_pcm_is_what_others_read(
    write, tmp_path, stereo, read_all, name, bits, num_channels, num_samples
):
    music = stereo[:num_samples, :num_channels]
    path = write(tmp_path / name, music, bits=bits, tags=TAGS)
    assert soundfile.info(path).subtype == ("FLOAT" if bits == 32 else f"PCM_{bits}")
    by_libsndfile, _ = soundfile.read(path, dtype="float32", always_2d=True)
    with open_audio(path) as reader:
        by_ffmpeg = read_all(reader)
        assert reader.sample_rate == 44100
        assert reader.warning is None
    for decoded in by_libsndfile, by_ffmpeg:
        assert decoded.shape == music.shape
        assert np.abs(decoded - music).max() <= {16: 1.5 * 2**-15, 24: 2**-23, 32: 0}[bits]


def test_a_wav_of_16_bits_is_of_the_plainest_kind(write, tmp_path, stereo):
    path = write(tmp_path / "a.wav", stereo, tags=TAGS)
    with wave.open(str(path)) as reader:  # it knows no WAVE_FORMAT_EXTENSIBLE
        assert reader.getparams()[:4] == (2, 2, 44100, NUM_SAMPLES)


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.ogg", "a.alac"])
@pytest.mark.parametrize("num_samples", [3000, 44100, NUM_SAMPLES])
@pytest.mark.usefixtures("any_ffmpeg")
def test_compressed_files_keep_number_and_place(write, tmp_path, tone, read_all, name, num_samples):
    music = tone(440, 660, num_samples=num_samples)
    decoded = read_all(open_audio(write(tmp_path / name, music)))
    assert decoded.shape == music.shape
    if num_samples > 10_000:  # away from the ends, where lossy codecs ring
        assert np.abs(decoded[2000:-2000] - music[2000:-2000]).max() < 0.1


@pytest.mark.parametrize("name", ["a.opus", "a.mka", "a.webm"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_opus_keeps_the_length_within_a_sample(write, tmp_path, stereo, read_all, name):
    reader = open_audio(write(tmp_path / name, stereo))
    assert abs(len(read_all(reader)) - len(stereo) * 48000 / 44100) <= 1
    assert reader.sample_rate == 48000


def test_raw_aac_is_written_too(write, tmp_path, stereo, read_all):
    # ADTS has no place for delay and padding: they are heard
    decoded = read_all(open_audio(write(tmp_path / "a.aac", stereo)))
    assert 0 <= len(decoded) - len(stereo) <= 3 * 1024


def test_the_format_may_differ_from_the_suffix(write, tmp_path, stereo):
    assert probe(write(tmp_path / "a.bin", stereo, format="flac")).codec == "flac"


def test_mono_stays_mono(write, tmp_path, tone):
    path = write(tmp_path / "a.wav", tone(440, num_samples=60_000), sample_rate=16000)
    found = probe(path)
    assert (found.sample_rate, found.num_channels) == (16000, 1)


def test_a_wav_keeps_room_for_more_than_4_gb(write, tmp_path, stereo):
    # EBU Tech 3306: a JUNK chunk of 28 bytes before 'fmt ', to become 'ds64'
    head = write(tmp_path / "a.wav", stereo).read_bytes()[:60]
    assert head[:4] == b"RIFF"
    assert head[12:16] == b"JUNK"
    assert int.from_bytes(head[16:20], "little") >= 28
    assert b"fmt " in head


def test_an_aiff_beyond_4_gb_is_refused_before_it_breaks(tmp_path, tone):
    block = tone(440, num_samples=1000)
    writer = AudioWriter(tmp_path / "a.aiff", sample_rate=44100, num_channels=1)
    writer.num_samples = 2**31 - 2**15 - 1500
    writer.write(block)
    with pytest.raises(EncodeError, match="aiff ends at 4 GB"):
        writer.write(block)
    assert list(tmp_path.iterdir()) == []


# --- tags -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["a.wav", "a.rf64", "a.flac", "a.aiff", "a.caf", "a.mp3", "a.m4a", "a.ogg", "a.opus", "a.mka"],
)
@pytest.mark.usefixtures("any_ffmpeg")
def test_tags_come_back(write, tmp_path, stereo, name):
    assert TAGS.items() <= probe(write(tmp_path / name, stereo, tags=TAGS)).tags.items()


def test_an_au_keeps_what_its_annotation_can(write, tmp_path, stereo):
    found = probe(write(tmp_path / "a.au", stereo, tags=TAGS)).tags
    assert found == {key: TAGS[key] for key in ("title", "artist", "album", "genre")}


@pytest.mark.parametrize("name", ["a.flac", "a.aiff", "a.mp3", "a.ogg", "a.opus", "a.caf"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_tags_of_ones_own_come_back_where_the_container_can(write, tmp_path, stereo, name):
    tags = {
        "umt_domain": "piano",
        "umt_licence": "Apache-2.0",
        "album_artist": "Various",
        "composer": "Erik Satie",
        "disc": "1/2",
        "encoded_by": "umt 0.1",
        "track": "3/7",
    }
    assert tags.items() <= probe(write(tmp_path / name, stereo, tags=tags)).tags.items()


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.caf", "a.au", "a.mp3"])
def test_without_tags_there_are_none(write, tmp_path, stereo, name):
    assert probe(write(tmp_path / name, stereo)).tags == {}


# --- the same bytes -------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "bits"), [*PCM, ("a.mp3", 16), ("a.ogg", 16)])
def test_bytes_do_not_depend_on_cuts_or_runs(write, tmp_path, stereo, name, bits):
    contents = {
        write(tmp_path / name, stereo, cuts=cuts, bits=bits, tags=TAGS).read_bytes()
        for cuts in [(), (0, 1, 2, 3, 3), (44100,), range(777, NUM_SAMPLES, 777)]
    }
    assert len(contents) == 1


def test_the_seed_makes_the_dither(write, tmp_path, stereo):
    one, two = (write(tmp_path / f"{s}.wav", stereo, seed=s).read_bytes() for s in (1, 2))
    assert one != two


def test_digital_silence_stays_digital_silence(write, tmp_path):
    path = write(tmp_path / "a.wav", np.zeros((60_000, 2), np.float32))
    assert not soundfile.read(path, dtype="int16")[0].any()


def test_equal_channels_stay_equal(write, tmp_path, tone):
    decoded, _ = soundfile.read(
        write(tmp_path / "a.wav", tone(440, 440, num_samples=60_000)), dtype="int16"
    )
    np.testing.assert_array_equal(decoded[:, 0], decoded[:, 1])
