import pytest

from umtcli.media.mp4 import indexed_samples


@pytest.mark.parametrize("num_samples", [44100, 50_001])
@pytest.mark.usefixtures("any_ffmpeg")
def test_the_index_tells_the_music_from_its_padding(make_file, tone, num_samples):
    path = make_file("a.m4a", samples=tone(440, num_samples=num_samples))
    assert indexed_samples(path, 44100) == num_samples


def test_the_index_is_found_before_and_behind_the_samples(make_file, tone):
    music = tone(440, num_samples=50_001)
    path = make_file("a.m4a", "-movflags", "+faststart", samples=music)
    assert indexed_samples(path, 44100) == 50_001


def test_another_clock_is_converted(make_file, tone):
    path = make_file("a.m4a", samples=tone(440, num_samples=44100))
    assert indexed_samples(path, 88200) == 88200


def test_fragments_have_no_index(make_file, tone):
    options = ["-movflags", "frag_keyframe+empty_moov"]
    path = make_file("a.m4a", *options, samples=tone(440, num_samples=44100))
    assert indexed_samples(path, 44100) is None


@pytest.mark.parametrize("length", [0, 7, 100, 3000])
def test_a_broken_file_has_no_index(make_file, tone, length):
    path = make_file("a.m4a", "-movflags", "+faststart", samples=tone(440, num_samples=44100))
    path.write_bytes(path.read_bytes()[:length])
    indexed_samples(path, 44100)  # whatever it finds, it does not raise


def test_other_files_have_no_index(make_file):
    assert indexed_samples(make_file("a.wav"), 44100) is None
