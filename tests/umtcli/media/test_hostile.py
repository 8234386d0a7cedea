"""Inputs that lie about themselves: refused or read, never a crash, and no memory to speak of."""

import struct
import tracemalloc

import pytest

from fuzz_media import FORMATS, damaged, fuzz
from umtcli.errors import DecodeError
from umtcli.media import open_audio, probe


def wav(data, channels=1, rate=44_100, claimed_bytes=None):
    """A 16-bit wav whose head may say anything."""
    size = len(data) if claimed_bytes is None else claimed_bytes
    layout = struct.pack("<HHIIHH", 1, channels, rate, 2 * channels * rate % 2**32,
                         2 * channels % 2**16, 16)  # fmt: skip
    head = struct.pack("<4sI4s4sI", b"RIFF", (36 + size) % 2**32, b"WAVE", b"fmt ", 16)
    return head + layout + struct.pack("<4sI", b"data", size) + data


def test_damaged_files_are_read_or_refused(tmp_path):
    became = [what for _, what in fuzz(tmp_path, each=3)]
    assert len(became) == 3 * len(FORMATS)
    assert set(became) > {"refused"}  # the damage is neither nothing nor everything


@pytest.mark.slow
def test_many_damaged_files_are_read_or_refused(tmp_path):
    assert sum(1 for _ in fuzz(tmp_path, each=250)) == 2000


def test_damage_is_damage_and_comes_again():
    data = bytes(range(256)) * 20
    mutants = [damaged(data, seed) for seed in range(50)]
    assert mutants == [damaged(data, seed) for seed in range(50)]
    assert all(mutant != data for mutant in mutants)
    assert all(damaged(b"", seed) is not None for seed in range(50))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"rate": 0}, "sample rate"),
        ({"rate": 1}, "1000 … 768000 Hz"),
        ({"rate": 20_000_000}, "1000 … 768000 Hz"),
        ({"rate": 2**31 - 1}, "1000 … 768000 Hz"),
        ({"rate": 2**32 - 1}, "sample rate"),
        ({"channels": 0}, "channel"),
        ({"channels": 99}, "Cannot decode"),
        ({"channels": 65_535}, "channels"),
    ],
)
def test_an_absurd_head_is_refused(tmp_path, head, said):
    path = tmp_path / "absurd.wav"
    path.write_bytes(wav(bytes(20_000), **head))
    tracemalloc.start()
    for look in (open_audio, probe):
        with pytest.raises(DecodeError, match=said) as caught:
            look(path)
        assert str(path) in str(caught.value)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("claimed_bytes", [2**32 - 40, 2**31, 4_001])
def test_what_a_head_claims_takes_no_memory(tmp_path, claimed_bytes):
    path = tmp_path / "claims.wav"
    path.write_bytes(wav(bytes(4_000), claimed_bytes=claimed_bytes))
    tracemalloc.start()
    with open_audio(path) as reader:
        assert sum(len(block) for block in reader) == 2_000
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
