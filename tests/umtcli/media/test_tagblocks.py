import struct

from hypothesis import given
from hypothesis import strategies as st

from umtcli.media.tagblocks import (
    aiff_id3,
    au_annotation,
    caf_info,
    riff_info,
    vorbis_comments,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
TAGS = st.dictionaries(TEXT.filter(bool), TEXT, max_size=5)


def test_riff_texts_end_by_nul_and_on_even_bytes():
    # the sizes leave the padding out
    list_chunk = riff_info({"title": "ab", "artist": "c", "mood": "no place for it"})
    assert list_chunk == (
        b"LIST\x1a\0\0\0INFO" + b"INAM\x03\0\0\0ab\0\0" + b"IART\x02\0\0\0c\0"
    )  # fmt: skip


def test_id3_sizes_are_syncsafe_and_text_is_utf_8():
    chunk = aiff_id3({"title": "é" * 100})
    # a frame's body: one byte for the encoding, 200 of text; 201 is 1 · 128 + 73
    assert chunk == (
        b"ID3 " + struct.pack(">I", 10 + 10 + 201)
        + b"ID3\4\0\0" + b"\0\0\x01" + bytes([211 - 128])
        + b"TIT2" + b"\0\0\1" + bytes([73]) + b"\0\0" + b"\3" + "é".encode() * 100 + b"\0"
    )  # fmt: skip


def test_id3_has_frames_for_what_has_no_frame():
    assert b"TXXX\0\0\0\x0a\0\0\3mood\0slow" in aiff_id3({"mood": "slow"})
    assert b"COMM\0\0\0\x07\0\0\3XXX\0hi" in aiff_id3({"comment": "hi"})


def test_caf_has_pairs_of_texts():
    assert caf_info({"a": "b", "c": ""}) == (
        b"info\0\0\0\0\0\0\0\x0b" + b"\0\0\0\2" + b"a\0b\0" + b"c\0\0"
    )  # fmt: skip


def test_vorbis_comments_have_the_names_that_players_know():
    assert vorbis_comments({"track": "3", "x": "é"}) == (
        b"\2\0\0\0" + b"\x0d\0\0\0TRACKNUMBER=3" + b"\4\0\0\0x=\xc3\xa9"
    )  # fmt: skip


def test_an_au_has_five_tags():
    assert au_annotation({"genre": "g", "title": "t", "comment": "c"}) == b"title=t\ngenre=g"


def test_no_tags_are_no_block():
    assert riff_info({"mood": "slow"}) == aiff_id3({}) == caf_info({}) == au_annotation({}) == b""
    assert vorbis_comments({}) == bytes(4)


@given(tags=TAGS)
def test_blocks_are_as_long_as_they_say(tags):
    for block, layout in (riff_info(tags), "<4xI"), (aiff_id3(tags), ">4xI"):
        if block:
            size = struct.unpack_from(layout, block)[0]
            assert len(block) == 8 + size + size % 2
    if tags:
        assert len(caf_info(tags)) == 12 + struct.unpack_from(">4xq", caf_info(tags))[0]
