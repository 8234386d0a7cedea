"""Files are measured as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from signals import write
from tunes import sines, tune
from umt_trainer.score.sound import load_sound
from umtcli.errors import UmtError


def test_channels_are_averaged_and_loudness_counts_both(tmp_path: Path) -> None:
    mono = sines(tune([81] * 8), rate=48_000)
    both = np.stack([mono, mono], axis=1)
    one = load_sound(write(tmp_path / "mono.wav", mono[:, None], 48_000))
    two = load_sound(write(tmp_path / "stereo.wav", both, 48_000))
    assert one.sample_rate == 48_000
    np.testing.assert_allclose(two.wav, mono, atol=1e-7)
    # by BS.1770 two equal channels are twice the power of one
    assert two.loudness_lufs - one.loudness_lufs == pytest.approx(10 * np.log10(2), abs=0.01)
    assert len(two.analysed) == 4 * 22_050


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UmtError, match=r"empty\.wav"):
        load_sound(write(tmp_path / "empty.wav", np.zeros((0, 1), np.float32)))
