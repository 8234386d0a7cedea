from umtcli.media.tags import tidy_tags, writable_tags


def test_keys_are_lower_case_whatever_the_container_prefers():
    assert tidy_tags({"ARTIST": "a", "Title": "b"}) == {"artist": "a", "title": "b"}


def test_what_tells_of_the_file_only_is_left_out():
    assert tidy_tags({"major_brand": "M4A ", "encoder": "Lavf", "album": "c"}) == {"album": "c"}


def test_what_no_command_line_takes_is_left_out():
    tags = {"a=b": "x", "": "y", "lyrics": "la " * 1000, "picture": "x" * 200_000, "n": "a\0b"}
    assert writable_tags(tags) == {"lyrics": "la " * 1000, "n": "ab"}


def test_half_a_pair_of_utf_16_does_not_break_the_rest():
    assert writable_tags({"title": "a\ud800b"}) == {"title": "a?b"}
