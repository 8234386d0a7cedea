"""A pipe reads as the file does, while it is written, and closing it never waits."""

import io
import os
import subprocess
import threading

import numpy as np
import pytest

from umtcli.media import find_ffmpeg, open_audio


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_stream_reads_as_the_file_does(make_file, stereo, read_all, name):
    path = make_file(name, "-metadata", "title=Vexations", samples=stereo)
    with path.open("rb") as source:
        reader = open_audio(source)
        streamed = read_all(reader)
    np.testing.assert_array_equal(streamed, read_all(open_audio(path)))
    assert reader.tags["title"] == "Vexations"
    assert reader.duration_s is None
    assert reader.warning is None


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.w64", "a.au"])
@pytest.mark.usefixtures("any_ffmpeg")
def test_a_live_pipe_is_read_while_it_is_written(make_file, stereo, name):
    stereo = stereo[:80_000]  # Wave64 fills up to 8 bytes
    content = make_file(name, samples=stereo).read_bytes()
    read_end, write_end = os.pipe()
    heard = threading.Event()

    def play() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(content[:100_000])  # 0.6 s
            pipe.flush()
            assert heard.wait(timeout=30)  # the rest comes only once the start was heard
            pipe.write(content[100_000:])

    thread = threading.Thread(target=play)
    thread.start()
    with os.fdopen(read_end, "rb") as source, open_audio(source, block_s=0.1) as reader:
        blocks = [next(reader)]
        heard.set()
        blocks.extend(reader)
    thread.join()
    assert sum(map(len, blocks)) == len(stereo)


def test_the_endless_length_in_the_head_of_a_pipe_is_no_loss(stereo, read_all):
    raw = ["-f", "f32le", "-ar", "44100", "-ac", "2", "-i", "pipe:0"]
    streamed = subprocess.run(
        [find_ffmpeg(), "-v", "error", *raw, "-f", "wav", "pipe:1"],
        input=stereo.tobytes(),
        capture_output=True,
        check=True,
    ).stdout
    reader = open_audio(io.BytesIO(streamed))
    assert len(read_all(reader)) == len(stereo)
    assert reader.warning is None


def test_a_named_pipe_is_read(make_file, tmp_path, read_all):
    content = make_file("a.wav").read_bytes()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    thread = threading.Thread(target=fifo.write_bytes, args=(content,))
    thread.start()
    assert len(read_all(open_audio(fifo))) == 2 * 44100
    thread.join()


def test_closing_early_ends_the_feeding_of_a_long_stream(make_file, tone):
    content = make_file("a.wav", samples=tone(440, num_samples=30 * 44100)).read_bytes()
    with open_audio(io.BytesIO(content), block_s=0.1) as reader:
        next(reader)


@pytest.mark.usefixtures("any_ffmpeg")
def test_closing_does_not_wait_for_a_source_that_fell_silent(make_file, stereo):
    read_end, write_end = os.pipe()
    content = make_file("a.wav", samples=stereo).read_bytes()[:100_000]  # 0.6 s
    with os.fdopen(write_end, "wb") as pipe, os.fdopen(read_end, "rb") as source:
        threads = set(threading.enumerate())
        writing = threading.Thread(target=pipe.write, args=(content,))
        writing.start()
        with open_audio(source, block_s=0.1) as reader:
            next(reader)
            writing.join()
        # the source is open still, and nobody writes to it: its feeder is left behind
        pipe.close()
        for thread in set(threading.enumerate()) - threads:
            thread.join()


def test_a_source_that_fails_midway_is_told(make_file, tone, read_all):
    class Failing(io.BytesIO):
        def read1(self, size=-1):
            if self.tell() >= 1_000_000:
                raise OSError(5, "Input/output error")
            return super().read1(size)

    content = make_file("a.wav", samples=tone(440, num_samples=30 * 44100)).read_bytes()
    reader = open_audio(Failing(content))
    assert len(read_all(reader)) > 400_000
    assert reader.warning is not None
    assert "Input/output error" in reader.warning


def test_an_exception_inside_leaves_nothing_running(make_file):
    path = make_file("a.wav")
    threads = threading.active_count()

    def give_up_midway() -> None:
        with open_audio(path, block_s=0.1) as reader:
            next(reader)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up_midway()
    assert threading.active_count() == threads
