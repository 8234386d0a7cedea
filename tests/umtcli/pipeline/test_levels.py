"""One gain brings an output to its input's loudness; the spool leaves nothing behind."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from signals import noise, read
from umtcli.errors import EncodeError
from umtcli.media import AudioWriter
from umtcli.pipeline.levels import Gain, Spool, match_loudness


@pytest.mark.parametrize(
    ("heard", "played", "peak", "duration_s", "gain"),
    [
        (-20.0, -23.0, -10.0, 60.0, Gain(3.0, limited=False)),
        (-23.0, -20.0, 0.0, 60.0, Gain(-3.0, limited=False)),
        (-10.0, -23.0, -6.0, 60.0, Gain(5.0, limited=True)),
        (-math.inf, -23.0, -6.0, 60.0, Gain(0.0, limited=False)),
        (-20.0, -math.inf, -math.inf, 60.0, Gain(0.0, limited=False)),
        (-20.0, -23.0, -6.0, 0.39, Gain(0.0, limited=False)),
        (-20.0, -23.0, 5.0, 0.39, Gain(-6.0, limited=True)),
        (-math.inf, -math.inf, -math.inf, 0.1, Gain(0.0, limited=False)),
    ],
)
def test_the_gain_is_the_difference_under_the_ceiling(
    heard: float, played: float, peak: float, duration_s: float, gain: Gain
) -> None:
    assert match_loudness(heard, played, peak, duration_s) == gain


def test_a_spool_gives_back_what_it_took_with_gain(tmp_path: Path) -> None:
    wave = noise(3.0)
    with closing(Spool(tmp_path / "new", 44_100, 2)) as spool:
        for start in range(0, len(wave), 40_000):
            spool.write(wave[start : start + 40_000])
        assert list((tmp_path / "new").iterdir()) == []
        with AudioWriter(tmp_path / "x.wav", sample_rate=44_100, num_channels=2, bits=32) as writer:
            spool.deliver(writer, gain_db=-6.0)
    np.testing.assert_allclose(read(tmp_path / "x.wav")[0], wave * 10 ** (-6 / 20), rtol=1e-6)


def test_a_place_that_cannot_be_written_is_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EncodeError, match="file/folder"):
        Spool(tmp_path / "file" / "folder", 44_100, 2)
