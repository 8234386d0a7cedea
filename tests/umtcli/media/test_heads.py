import struct

import numpy as np
import pytest

from umtcli.media import AudioWriter
from umtcli.media.heads import LAYOUTS, Body

NUM_SAMPLES = 3001
TAGS = {"title": "Vexations", "artist": "Erik Satie", "mood": "very slow"}


@pytest.fixture
def written(tmp_path):
    def write(name, bits, tags):
        path = tmp_path / f"a.{name}"
        options = {"sample_rate": 44100, "num_channels": 1, "bits": bits, "tags": tags}
        with AudioWriter(path, **options) as writer:
            writer.write(np.full((NUM_SAMPLES, 1), 0.25, np.float32))
        return path.read_bytes()

    return write


def chunks(data, start, layout, alignment):
    """Walks a file to its end; returns the bodies by name."""
    found = {}
    at = start
    while at < len(data):
        name, size = struct.unpack_from(layout, data, at)
        at += struct.calcsize(layout)
        found[name] = data[at : at + size]
        at += size + -size % alignment
        if len(data) - at == 1:  # libsndfile pads the samples of a caf, too
            at += 1
    assert at == len(data)
    return found


@pytest.mark.parametrize("tags", [{}, TAGS])
@pytest.mark.parametrize("bits", [16, 24, 32])
def test_a_wav_is_riff_from_end_to_end(written, bits, tags):
    data = written("wav", bits, tags)
    found = chunks(data, 12, "<4sI", 2)
    assert struct.unpack_from("<4sI4s", data) == (b"RIFF", len(data) - 8, b"WAVE")
    assert next(iter(found)) == b"JUNK"
    assert set(found) - {b"fact", b"LIST"} == {b"JUNK", b"fmt ", b"data"}
    assert (b"LIST" in found) == bool(tags)
    kind, channels, rate, rate_bytes, align, depth = struct.unpack("<HHIIHH", found[b"fmt "])
    assert (kind, channels, rate, depth) == (3 if bits == 32 else 1, 1, 44100, bits)
    assert (align, rate_bytes) == (bits // 8, 44100 * bits // 8)
    assert len(found[b"data"]) == NUM_SAMPLES * bits // 8


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_an_rf64_tells_its_sizes_in_64_bits(written, bits):
    # EBU Tech 3306: 32-bit sizes are -1; ds64 has RIFF's, data's, and the number of samples
    data = written("rf64", bits, TAGS)
    assert struct.unpack_from("<4sI4s", data) == (b"RF64", 0xFFFFFFFF, b"WAVE")
    assert struct.unpack_from("<4sI", data, 12) == (b"ds64", 28)
    data_bytes = NUM_SAMPLES * bits // 8
    assert struct.unpack_from("<QQQI", data, 20) == (len(data) - 8, data_bytes, NUM_SAMPLES, 0)
    assert data[-data_bytes - data_bytes % 2 - 8 :][:8] == b"data\xff\xff\xff\xff"


@pytest.mark.parametrize(("file_bytes", "kind"), [(2**32 + 7, b"RIFF"), (2**32 + 8, b"RF64")])
def test_a_wav_becomes_rf64_where_its_size_field_ends(written, file_bytes, kind):
    body = Body(num_samples=2**31, num_bytes=2**32 - 200, file_bytes=file_bytes)
    laid = LAYOUTS["wav"].lay(written("wav", 16, TAGS), TAGS, body)
    assert laid[:4] == kind


@pytest.mark.parametrize("tags", [{}, TAGS])
@pytest.mark.parametrize("bits", [16, 24, 32])
def test_an_aiff_is_iff_from_end_to_end(written, bits, tags):
    data = written("aiff", bits, tags)
    found = chunks(data, 12, ">4sI", 2)
    form = b"AIFC" if bits == 32 else b"AIFF"
    assert struct.unpack_from(">4sI4s", data) == (b"FORM", len(data) - 8, form)
    assert (b"ID3 " in found) == bool(tags)
    assert struct.unpack(">hIh", found[b"COMM"][:8]) == (1, NUM_SAMPLES, bits)
    assert len(found[b"SSND"]) == 8 + NUM_SAMPLES * bits // 8


@pytest.mark.parametrize("tags", [{}, TAGS])
@pytest.mark.parametrize("bits", [16, 24, 32])
def test_a_caf_is_chunks_from_end_to_end(written, bits, tags):
    data = written("caf", bits, tags)
    found = chunks(data, 8, ">4sq", 1)
    assert data[:8] == b"caff\0\1\0\0"
    assert next(iter(found)) == b"desc"
    assert (b"info" in found) == bool(tags)
    assert not any(found[b"free"])
    assert len(found[b"data"]) == 4 + NUM_SAMPLES * bits // 8


@pytest.mark.parametrize("tags", [{}, TAGS])
@pytest.mark.parametrize("bits", [16, 24])
def test_a_flac_has_one_block_of_each_kind(written, bits, tags):
    # RFC 9639, section 8: the first block is STREAMINFO, padding is all zero
    data = written("flac", bits, tags)
    assert data[:4] == b"fLaC"
    kinds = []
    at, last = 4, 0
    while not last:
        last, kind = data[at] & 0x80, data[at] & 0x7F
        kinds.append(kind)
        end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        body = data[at + 4 : end]
        at = end
    assert kinds == [0, 4, 1]
    assert not any(body)
    assert data[at : at + 2] == b"\xff\xf8"  # the first frame begins


def test_a_block_of_comments_that_libflac_adds_is_not_kept():
    def block(kind, body):
        return bytes([kind]) + len(body).to_bytes(3, "big") + body

    vendor = struct.pack("<I", 3) + b"lib"
    seek_table = block(3, b"s" * 18)
    comments = block(4, vendor + struct.pack("<II", 1, 200) + b"comment=".ljust(200, b"~"))
    old = (
        b"fLaC" + block(0, b"i" * 34) + comments + seek_table + block(0x81, bytes(9)) + b"\xff\xf8"
    )
    laid = LAYOUTS["flac"].lay(old, {"a": "b"}, Body(1, 1, len(old)))
    new_comments = block(4, vendor + struct.pack("<II", 1, 3) + b"a=b")
    assert laid.startswith(b"fLaC" + block(0, b"i" * 34) + seek_table + new_comments + b"\x81")
    assert len(laid) == len(old) - 2
    assert old[len(laid) :] == b"\xff\xf8"
