"""What goes into a pipe: the same audio as a file holds, before the input ends."""

import io
import os
import threading

import numpy as np
import pytest

from umtcli.errors import EncodeError
from umtcli.media import AudioWriter, open_audio


@pytest.mark.parametrize("name", ["wav", "flac", "caf", "au", "ogg"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_stream_holds_what_a_file_does(write, tmp_path, stereo, read_all, name):
    sink = io.BytesIO()
    write(sink, stereo, format=name, tags={"title": "Vexations"})
    from_file = read_all(open_audio(write(tmp_path / f"a.{name}", stereo)))
    sink.seek(0)
    reader = open_audio(sink)
    np.testing.assert_array_equal(read_all(reader), from_file)
    assert reader.tags["title"] == "Vexations"
    assert reader.warning is None


def test_a_stream_is_wav_by_default(write, stereo):
    sink = io.BytesIO()
    write(sink, stereo)
    assert sink.getvalue()[:4] == b"RIFF"


def test_a_stream_cannot_have_a_head_filled_in_later():
    with pytest.raises(EncodeError, match=r"standard output: aiff cannot be streamed"):
        AudioWriter(io.BytesIO(), sample_rate=44100, num_channels=1, format="aiff")


def test_audio_comes_out_before_the_input_ends(write, tone):
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
