"""A tiny system, trained, and the music that it learned from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tiny_recipe import RATE, write_recipe
from umt_trainer.system import train_system


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two domains, sines and sawtooths, of five recordings each."""
    folder = tmp_path_factory.mktemp("music")
    phase = np.cumsum(np.full(5 * RATE, 220 / RATE))
    for name, wav in (("sine", np.sin(2 * np.pi * phase)), ("saw", 2 * (phase % 1) - 1)):
        (folder / name).mkdir()
        for k in range(5):
            soundfile.write(folder / name / f"{k}.wav", 0.1 * (k + 1) * wav, RATE)
    return {"sine": folder / "sine", "saw": folder / "saw"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, music: dict[str, Path]) -> Path:
    """The folder of a run of four steps."""
    folder = tmp_path_factory.mktemp("trained")
    recipe = write_recipe(folder, previews=2)
    train_system(recipe, out=folder / "run", domains=music, quiet=True)
    return folder / "run"
