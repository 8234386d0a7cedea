import io
import struct

import numpy as np
import pytest
import soundfile

from umtcli.media.caf import read_caf_header


def caf(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(struct.pack(">4sq", kind, len(data)) + data for kind, data in chunks)
    return b"caff" + struct.pack(">HH", 1, 0) + body


DESC = b"desc", struct.pack(">d4s5I", 48000.0, b"lpcm", 3, 8, 1, 2, 32)
DATA = b"data", struct.pack(">I", 0) + b"samples."


def test_the_header_of_a_file_by_libsndfile_is_understood():
    file = io.BytesIO()
    soundfile.write(file, np.zeros((7, 2)), 22050, format="CAF", subtype="FLOAT")
    file.seek(0)
    header = read_caf_header(file)
    assert header is not None
    assert (header.sample_rate, header.num_channels) == (22050, 2)


def test_the_stream_is_left_at_the_first_sample():
    stream = io.BytesIO(caf(DESC, DATA))
    assert read_caf_header(stream) is not None
    assert stream.read() == b"samples."


def test_tags_come_from_the_info_chunk():
    info = struct.pack(">I", 2) + "title\0Gymnopédie\0ARTIST\0Satie\nErik\0".encode()
    header = read_caf_header(io.BytesIO(caf(DESC, (b"info", info), DATA)))
    assert header is not None
    assert header.tags == {"title": "Gymnopédie", "artist": "Satie\nErik"}


@pytest.mark.parametrize("length", [0, 5, 8, 15, 30, 52])
def test_a_stream_that_ends_before_its_samples_has_no_header(length):
    assert read_caf_header(io.BytesIO(caf(DESC, DATA)[:length])) is None
