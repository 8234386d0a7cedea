import io
import os
import struct
import tempfile

import pytest

from umtcli.errors import DecodeError
from umtcli.media import open_audio
from umtcli.media.spooling import index_is_last, read_head, spool


def box(kind, body=b""):
    return struct.pack(">I4s", 8 + len(body), kind) + body


@pytest.mark.parametrize(
    ("stream", "last"),
    [
        (box(b"ftyp", b"M4A ....") + box(b"free") + box(b"mdat"), True),
        (box(b"wide") + box(b"mdat"), True),
        (struct.pack(">I4sQ", 1, b"mdat", 1 << 33), True),  # a 64-bit size
        (struct.pack(">I4s", 0, b"mdat"), True),  # up to the end of the file
        (box(b"ftyp", b"M4A ....") + box(b"moov"), False),
        (box(b"ftyp") + box(b"moof"), False),
        (box(b"ftyp") + struct.pack(">I4s", 3, b"free"), False),  # no box is so small
        (box(b"ftyp", bytes(1 << 20)) + box(b"mdat"), False),  # too long a head: ffmpeg's affair
        (b"RIFF\0\0\0\0WAVE", False),
        (b"ID3\4\0\0\0\0\0\0", False),
    ],
)
def test_an_index_is_last_where_samples_come_first(stream, last):
    assert index_is_last(stream) is last
    assert read_head(io.BytesIO(stream + bytes(1 << 17)))[1] is last


def test_a_head_is_read_no_further_than_needed():
    class Drip(io.RawIOBase):
        def __init__(self, data):
            self.data = data

        def read(self, size=-1):
            given, self.data = self.data[:3], self.data[3:]
            return given

    stream = box(b"ftyp", b"M4A ") + box(b"mdat", bytes(100))
    # 12 bytes, then 8 that tell: 20, in threes
    assert read_head(Drip(stream)) == (stream[:21], True)
    assert read_head(io.BytesIO(b"RIF")) == (b"RIF", False)
    # 8 bytes tell that it is no MP4, and 12 that it is no film
    assert read_head(Drip(b"RIFF\0\0\0\0WAVEfmt ")) == (b"RIFF\0\0\0\0WAVE", False)
    assert read_head(io.BytesIO()) == (b"", False)


@pytest.fixture
def spools(tmp_path, monkeypatch):
    """The folder that temporary files go to."""
    folder = tmp_path / "spools"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_an_m4a_from_a_pipe_is_spooled_and_says_so(make_file, spools):
    path = make_file("in.m4a", source="sine=440:d=60")  # short ones fit into ffmpeg's memory
    said = []
    with path.open("rb") as stream, open_audio(stream, notice=said.append) as reader:
        assert len(list(spools.iterdir())) == 1
        num_samples = sum(len(block) for block in reader)
    assert num_samples == 60 * 44_100
    assert reader.warning is None
    assert len(said) == 1
    assert "written to disk" in said[0]
    assert list(spools.iterdir()) == []


def test_an_m4a_with_its_index_first_is_streamed(make_file, spools):
    path = make_file("in.m4a", "-movflags", "+faststart", source="sine=440:d=60")
    said = []
    with path.open("rb") as stream, open_audio(stream, notice=said.append) as reader:
        assert list(spools.iterdir()) == []
        assert sum(len(block) for block in reader) >= 60 * 44_100
    assert said == []


def test_a_broken_m4a_leaves_no_spool(spools):
    with pytest.raises(DecodeError, match="Cannot decode standard input"):
        open_audio(io.BytesIO(box(b"ftyp") + box(b"mdat", bytes(5000))))
    assert list(spools.iterdir()) == []


def test_a_full_disk_is_told(spools):
    class Full(io.BytesIO):
        def read1(self, size=-1):
            raise OSError(28, os.strerror(28))

    with pytest.raises(DecodeError, match=r"Cannot spool song: No space .* TMPDIR"):
        spool(b"head", Full(), "song")
    assert list(spools.iterdir()) == []


def test_a_stream_that_cannot_be_read_is_told():
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError("the cable is out")

    with pytest.raises(DecodeError, match="reading failed: the cable is out"):
        open_audio(Broken())
