import io

import numpy as np
import pytest

from umtcli.media.backend import BackendError, Encoding
from umtcli.media.encode import FfmpegBackend
from umtcli.media.formats import find_format


def backend(sink, name="wav", sample_rate=44100):
    return FfmpegBackend(sink, Encoding(find_format(name, ""), sample_rate, 1, 16, {}))


def write_and_finish(encoder, stored):
    encoder.write(stored)
    encoder.finish()


def test_samples_pass_as_they_are():
    sink = io.BytesIO()
    encoder = backend(sink)
    encoder.write(np.arange(-500, 500, dtype=">i2")[:, None])  # of any byte order
    encoder.finish()
    encoder.abort()
    assert sink.getvalue()[-2000:] == np.arange(-500, 500, dtype="<i2").tobytes()


def test_a_sink_that_fails_is_the_reason_given():
    class Sink(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raise OSError(28, "No space left on device")

    encoder = backend(Sink())
    encoder.write(np.zeros((1000, 1), np.int16))
    with pytest.raises(BackendError, match="No space left on device"):
        encoder.finish()
    encoder.abort()


def test_an_ffmpeg_that_refuses_says_why(tmp_path):
    encoder = backend(tmp_path / "a.flac", "flac", sample_rate=1_200_000)
    with pytest.raises(BackendError, match="1200000 Hz not supported"):
        write_and_finish(encoder, np.zeros((100_000, 1), np.int16))
    encoder.abort()
    encoder.abort()
