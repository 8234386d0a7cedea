import io
import os
import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

from umtcli.errors import EncodeError, MediaError
from umtcli.media import AudioWriter, open_audio, probe

NUM_SAMPLES = 2 * 44100 + 777
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


@pytest.fixture
def stereo(tone):
    return tone(440, 660, num_samples=NUM_SAMPLES)


def write(path, samples, *, cuts=(10_000, 50_000), sample_rate=44100, **options):
    options = {"sample_rate": sample_rate, "num_channels": samples.shape[1]} | options
    with AudioWriter(path, **options) as writer:
        for piece in np.split(samples, cuts):
            writer.write(piece)
    return path


# --- every format ---------------------------------------------------------------------------


@pytest.mark.parametrize("num_samples", [999, NUM_SAMPLES])  # odd: chunks are padded
@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize(("name", "bits"), PCM)
def test_pcm_is_what_others_read(tmp_path, stereo, read_all, name, bits, num_channels, num_samples):
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


def test_a_wav_of_16_bits_is_of_the_plainest_kind(tmp_path, stereo):
    path = write(tmp_path / "a.wav", stereo, tags=TAGS)
    with wave.open(str(path)) as reader:  # it knows no WAVE_FORMAT_EXTENSIBLE
        assert reader.getparams()[:4] == (2, 2, 44100, NUM_SAMPLES)


@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.ogg", "a.alac"])
@pytest.mark.parametrize("num_samples", [3000, 44100, NUM_SAMPLES])
@pytest.mark.usefixtures("any_ffmpeg")
def test_compressed_files_keep_number_and_place(tmp_path, tone, read_all, name, num_samples):
    music = tone(440, 660, num_samples=num_samples)
    decoded = read_all(open_audio(write(tmp_path / name, music)))
    assert decoded.shape == music.shape
    if num_samples > 10_000:  # away from the ends, where lossy codecs ring
        assert np.abs(decoded[2000:-2000] - music[2000:-2000]).max() < 0.1


@pytest.mark.parametrize("name", ["a.opus", "a.mka", "a.webm"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_opus_keeps_the_length_within_a_sample(tmp_path, stereo, read_all, name):
    reader = open_audio(write(tmp_path / name, stereo))
    assert abs(len(read_all(reader)) - len(stereo) * 48000 / 44100) <= 1
    assert reader.sample_rate == 48000


def test_raw_aac_is_written_too(tmp_path, stereo, read_all):
    # ADTS has no place for delay and padding: they are heard
    decoded = read_all(open_audio(write(tmp_path / "a.aac", stereo)))
    assert 0 <= len(decoded) - len(stereo) <= 3 * 1024


def test_the_format_may_differ_from_the_suffix(tmp_path, stereo):
    assert probe(write(tmp_path / "a.bin", stereo, format="flac")).codec == "flac"


def test_mono_stays_mono(tmp_path, tone):
    path = write(tmp_path / "a.wav", tone(440, num_samples=60_000), sample_rate=16000)
    found = probe(path)
    assert (found.sample_rate, found.num_channels) == (16000, 1)


def test_a_wav_keeps_room_for_more_than_4_gb(tmp_path, stereo):
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
def test_tags_come_back(tmp_path, stereo, name):
    assert TAGS.items() <= probe(write(tmp_path / name, stereo, tags=TAGS)).tags.items()


def test_an_au_keeps_what_its_annotation_can(tmp_path, stereo):
    found = probe(write(tmp_path / "a.au", stereo, tags=TAGS)).tags
    assert found == {key: TAGS[key] for key in ("title", "artist", "album", "genre")}


@pytest.mark.parametrize("name", ["a.flac", "a.aiff", "a.mp3", "a.ogg", "a.opus", "a.caf"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_tags_of_ones_own_come_back_where_the_container_can(tmp_path, stereo, name):
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
def test_without_tags_there_are_none(tmp_path, stereo, name):
    assert probe(write(tmp_path / name, stereo)).tags == {}


# --- the same bytes -------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "bits"), [*PCM, ("a.mp3", 16), ("a.ogg", 16)])
def test_bytes_do_not_depend_on_cuts_or_runs(tmp_path, stereo, name, bits):
    contents = {
        write(tmp_path / name, stereo, cuts=cuts, bits=bits, tags=TAGS).read_bytes()
        for cuts in [(), (0, 1, 2, 3, 3), (44100,), range(777, NUM_SAMPLES, 777)]
    }
    assert len(contents) == 1


def test_the_seed_makes_the_dither(tmp_path, stereo):
    one, two = (write(tmp_path / f"{s}.wav", stereo, seed=s).read_bytes() for s in (1, 2))
    assert one != two


def test_digital_silence_stays_digital_silence(tmp_path):
    path = write(tmp_path / "a.wav", np.zeros((60_000, 2), np.float32))
    assert not soundfile.read(path, dtype="int16")[0].any()


def test_equal_channels_stay_equal(tmp_path, tone):
    decoded, _ = soundfile.read(
        write(tmp_path / "a.wav", tone(440, 440, num_samples=60_000)), dtype="int16"
    )
    np.testing.assert_array_equal(decoded[:, 0], decoded[:, 1])


# --- whole or not at all -----------------------------------------------------------------------


def test_nothing_has_the_name_before_close(tmp_path, stereo):
    path = tmp_path / "a.wav"
    writer = AudioWriter(path, sample_rate=44100, num_channels=2)
    writer.write(stereo)
    assert not path.exists()
    writer.close()
    writer.close()
    writer.abort()
    assert list(tmp_path.iterdir()) == [path]
    assert writer.num_samples == NUM_SAMPLES


def test_abort_leaves_nothing_and_the_old_file_as_it_was(tmp_path, stereo):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    writer = AudioWriter(path, sample_rate=44100, num_channels=2)
    writer.write(stereo)
    writer.abort()
    writer.abort()
    writer.close()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"old"


def test_an_exception_aborts(tmp_path, stereo):
    def fail_midway() -> None:
        with AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=2) as writer:
            writer.write(stereo)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_midway()
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_replaced(tmp_path, stereo):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    assert probe(write(path, stereo)).codec == "pcm_s16le"


def test_a_link_stays_a_link(tmp_path, stereo):
    target = tmp_path / "target.wav"
    target.touch()
    link = tmp_path / "link.wav"
    link.symlink_to(target)
    write(link, stereo)
    assert link.is_symlink()
    assert probe(target).num_channels == 2


def test_permissions_are_those_of_any_new_file(tmp_path, stereo):
    other = tmp_path / "other"
    other.touch()
    assert write(tmp_path / "a.wav", stereo).stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize(
    "name",
    [
        "with spaces.wav",
        "-dash.mp3",
        "c:d|e.flac",
        "f%03d.wav",
        "Сати 音楽.ogg",
        "x" * 240 + ".wav",
    ],
)
def test_any_name_is_only_a_name(tmp_path, monkeypatch, stereo, read_all, name):
    monkeypatch.chdir(tmp_path)
    path = write(Path(name), stereo)
    assert len(read_all(open_audio(path))) == NUM_SAMPLES
    assert [found.name for found in tmp_path.iterdir()] == [name]


# --- errors -------------------------------------------------------------------------------------


def test_a_path_beneath_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EncodeError, match=r"Cannot write .*file/a.wav: Not a directory"):
        AudioWriter(tmp_path / "file" / "a.wav", sample_rate=44100, num_channels=1)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(EncodeError, match=r"No such file or directory. Make the folder first"):
        AudioWriter(tmp_path / "gone" / "a.wav", sample_rate=44100, num_channels=1)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(EncodeError, match="it is a folder"):
        AudioWriter(tmp_path, sample_rate=44100, num_channels=1, format="wav")


def test_a_device_is_not_replaced_by_a_file():
    with pytest.raises(EncodeError, match="no regular file"):
        AudioWriter(Path(os.devnull), sample_rate=44100, num_channels=1, format="wav")


def test_float_flac_is_refused(tmp_path):
    with pytest.raises(EncodeError, match=r"flac stores no float. Choose 16 or 24 bits"):
        AudioWriter(tmp_path / "a.flac", sample_rate=44100, num_channels=1, bits=32)
    assert list(tmp_path.iterdir()) == []


def test_without_ffmpeg_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("UMT_FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(MediaError, match="UMT_FFMPEG"):
        AudioWriter(tmp_path / "a.mp3", sample_rate=44100, num_channels=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_not_written(tmp_path, bad):
    writer = AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=1)
    with pytest.raises(EncodeError, match="not numbers"):
        writer.write(np.array([[0.0], [bad]], np.float32))
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_no_samples_is_not_made(tmp_path):
    writer = AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=1)
    with pytest.raises(EncodeError, match="no samples to write"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_block_of_other_channels_is_a_mistake_of_the_caller(tmp_path, stereo):
    writer = AudioWriter(tmp_path / "a.wav", sample_rate=44100, num_channels=1)
    with pytest.raises(ValueError, match=r"\(T, 1\)"):
        writer.write(stereo)
    writer.abort()


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.caf", "a.au", "a.flac", "a.mp3", "a.m4a"])
@pytest.mark.parametrize("limit_bytes", [1000, 50_000])  # within ffmpeg's buffer, and beyond
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_file_that_cannot_grow_is_told_and_leaves_nothing(tmp_path, name, limit_bytes):
    script = f"""
import resource
from pathlib import Path
import numpy as np
from umtcli.errors import EncodeError
from umtcli.media import AudioWriter

resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_bytes}, {limit_bytes}))
noise = np.random.default_rng(0).standard_normal((44100, 2)).astype(np.float32) / 8
try:
    with AudioWriter(Path({name!r}), sample_rate=44100, num_channels=2) as writer:
        for _ in range({limit_bytes} // 2500 or 1):
            writer.write(noise[: {limit_bytes} * 3])
except EncodeError as e:
    print(e)
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith(f"Cannot write {name}: File too large. Raise the limit")
    assert run.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told(stereo):
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(EncodeError, match=r"No space left on device. Free some space"),
    ):
        write(full, stereo)


# --- streams ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wav", "flac", "caf", "au", "ogg"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_stream_holds_what_a_file_does(tmp_path, stereo, read_all, name):
    sink = io.BytesIO()
    write(sink, stereo, format=name, tags={"title": "Vexations"})
    from_file = read_all(open_audio(write(tmp_path / f"a.{name}", stereo)))
    sink.seek(0)
    reader = open_audio(sink)
    np.testing.assert_array_equal(read_all(reader), from_file)
    assert reader.tags["title"] == "Vexations"
    assert reader.warning is None


def test_a_stream_is_wav_by_default(stereo):
    sink = io.BytesIO()
    write(sink, stereo)
    assert sink.getvalue()[:4] == b"RIFF"


def test_a_stream_cannot_have_a_head_filled_in_later():
    with pytest.raises(EncodeError, match=r"standard output: aiff cannot be streamed"):
        AudioWriter(io.BytesIO(), sample_rate=44100, num_channels=1, format="aiff")


def test_audio_comes_out_before_the_input_ends(tone):
    class Sink(io.RawIOBase):
        def __init__(self):
            self.arrived = threading.Event()

        def writable(self):
            return True

        def write(self, data):
            self.arrived.set()
            return len(data)

    sink = Sink()
    with AudioWriter(sink, sample_rate=44100, num_channels=1) as writer:
        writer.write(tone(440, num_samples=88200))
        assert sink.arrived.wait(timeout=30)


def test_a_reader_that_leaves_is_told(tone):
    read_end, write_end = os.pipe()
    os.close(read_end)

    def write_much() -> None:
        with AudioWriter(sink, sample_rate=44100, num_channels=1) as writer:
            for _ in range(100):
                writer.write(block)

    block = tone(440, num_samples=44100)
    with (
        os.fdopen(write_end, "wb", buffering=0) as sink,
        pytest.raises(EncodeError, match=r"Cannot write standard output: Broken pipe"),
    ):
        write_much()
