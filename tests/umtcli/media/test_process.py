import io

import pytest

from umtcli.errors import MediaError
from umtcli.media.process import FfmpegLog, FfmpegProcess


def log_of(text):
    log = FfmpegLog(io.BytesIO(text.encode()))
    log.join()
    return log


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "[mov,mp4 @ 0x1] [error] moov atom not found\n"
            "[in#0 @ 0x2] [error] Error opening input: Invalid data found when processing input\n"
            "[error] Error opening input files: Invalid data found when processing input\n",
            "moov atom not found",
        ),
        ("[error] file:a: b.wav: Invalid data found when processing input\n",
         "Invalid data found when processing input"),
        ("[in#0 @ 0x2] [error] Error opening input: No such file or directory\n",
         "No such file or directory"),
        ("[warning] all is well\n[info] Conversion failed!\n", None),
        ("a line without a level\n", None),
    ],
)  # fmt: skip
def test_the_reason_is_the_line_that_tells_most(text, reason):
    assert log_of(text).reason() == reason


def test_the_head_holds_the_facts_without_the_tags():
    log = log_of(
        "[info] Input #0, wav, from 'file:a.wav':\n"
        "[info]   Metadata:\n"
        "[info]     Duration        : of a tag\n"
        "  Duration: of its second line\n"
        "[info]   Duration: 00:00:02.00, bitrate: 705 kb/s\n"
        "[info]   Stream #0:0: Audio: pcm_s16le, 44100 Hz, mono\n"
        "[info] Output #0, caf, to 'pipe:1':\n"
        "[info]   Stream #0:0: Audio: pcm_f32le\n"
    )
    assert [line.split()[0] for line in log.head] == ["Input", "Duration:", "Stream"]
    assert len(log.head) == 3


def test_endless_complaints_take_no_memory():
    log = log_of("[error] broken frame\n" * 10_000)
    assert log.reason() == "broken frame"
    assert len(log._errors) < 100


def test_a_program_that_is_not_there_is_told():
    with pytest.raises(MediaError, match="Cannot run /nowhere/ffmpeg"):
        FfmpegProcess(["/nowhere/ffmpeg"], feed=False)


def test_closing_ends_a_process_that_waits_for_input():
    process = FfmpegProcess(["cat"], feed=True)
    process.close()
    process.close()
    assert process.wait() != 0
