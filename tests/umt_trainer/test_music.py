"""Sounds without notes come from a folder, or are missed by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from signals import noise, write
from umt_domains.wavenet.learning import WavenetLearning
from umt_trainer.data import TRAINING_RMS
from umt_trainer.music import load_background
from umtcli.errors import UsageError


def test_every_sound_of_the_folder_is_loaded_at_the_familys_rate(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", noise(1.0, 16_000, 1), 16_000)
    write(tmp_path / "b.wav", noise(2.0, 8_000, 1), 8_000)
    (tmp_path / "notes.txt").write_text("no sound")
    sounds = load_background(str(tmp_path), WavenetLearning())
    assert [sound.shape for sound in sounds] == [(16_000,), (32_000,)]
    for sound in sounds:
        assert sound.dtype == torch.float32
        assert np.sqrt(np.mean(sound.numpy() ** 2)) == pytest.approx(TRAINING_RMS, rel=0.02)


def test_a_folder_with_nothing_to_hear_is_named(tmp_path: Path) -> None:
    assert load_background("", WavenetLearning()) == []
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match=rf"background: there is no sound in {folder}"):
            load_background(str(folder), WavenetLearning())
