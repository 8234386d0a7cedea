import pytest

from umtcli.errors import EncodeError
from umtcli.media import find_format, supported_formats


@pytest.mark.parametrize(
    "name", ["wav", "rf64", "caf", "aiff", "flac", "mp3", "m4a", "ogg", "opus"]
)
def test_the_common_formats_are_supported(name):
    assert name in supported_formats()
    assert find_format(name, "").name == name


@pytest.mark.parametrize(("suffix", "name"), [(".FLAC", "flac"), (".aif", "aiff"), ("oga", "ogg")])
def test_suffixes_are_understood_in_their_variants(suffix, name):
    assert find_format(suffix, "").name == name


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(EncodeError, match=r"Cannot write a\.xyz: .*'xyz'.*wav.*opus"):
        find_format(".xyz", "a.xyz")


def test_a_name_without_suffix_is_told_so():
    with pytest.raises(EncodeError, match="its name has no suffix"):
        find_format("", "a")
