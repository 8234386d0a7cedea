"""How fast systems learn here, and whether loading keeps up.

    python tests/bench/bench_train.py [--steps 5] [RECIPE…]

For each recipe, on two domains of noise: seconds of audio learned in a second by whole steps
(median), and the same of making examples ready alone (read, cut, distort) by one thread. One JSON
object a line. Nothing here asserts: machines differ.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))

from umt_trainer.loop import train
from umt_trainer.music import prepare_missing
from umt_trainer.recipe import Recipe, read_recipe
from umt_trainer.system import find_family, new_task
from umt_trainer.translation import TranslationTask
from umtcli.pipeline.device import resolve_device, torch_threads

RECIPES = ("harmonic-default", "wavenet-small", "wavenet-small-gpu")
RECORDINGS, DURATION_S = 10, 20


def record(folder: Path, seed: int) -> Path:
    """Noise, with a note a second that nobody plays: as much work as music."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for k in range(RECORDINGS):
        soundfile.write(folder / f"{k}.flac", rng.normal(0, 0.1, DURATION_S * 44_100), 44_100)
        track = mido.MidiTrack()
        for second in range(DURATION_S):
            track.append(mido.Message("note_on", note=40 + second, time=240))
            track.append(mido.Message("note_off", note=40 + second, time=240))
        mido.MidiFile(tracks=[track]).save(folder / f"{k}.mid")
    return folder


def load_rate(task: TranslationTask, seconds: float = 3.0) -> float:
    """Examples made ready in a second by one thread."""
    size, number = task.config.batch_size, 0
    started_s = time.perf_counter()
    while time.perf_counter() - started_s < seconds:
        task.music.ready(number, size)
        number += size
    return number / (time.perf_counter() - started_s)


def step_rate(task: TranslationTask, folder: Path) -> float:
    """Examples learned in a second, by the median step after the first."""
    ended_s: list[float] = []
    train(task, task.config, folder / "run.pt", lambda *_: ended_s.append(time.perf_counter()))
    return task.config.batch_size / statistics.median(np.diff(ended_s))


def measure(recipe: Recipe, folder: Path) -> dict[str, float]:
    """Both rates of a recipe, as seconds of audio a second."""
    learning = find_family(recipe.family).learning(recipe.encoder)
    music = {name: record(folder / name, seed) for seed, name in enumerate(("one", "two"))}
    prepared = prepare_missing(music, folder / "data", learning, lambda _: None)
    task = new_task(recipe, prepared, learning, resolve_device("auto"))
    crop_s = recipe.run.crop_s
    return {
        "audio_s_per_s": round(crop_s * step_rate(task, folder), 3),
        "loaded_audio_s_per_s": round(crop_s * load_rate(task), 3),
    }


def main() -> None:
    """Measure each recipe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", default=RECIPES)
    parser.add_argument("--steps", type=int, default=6)
    given = parser.parse_args()
    for name in given.recipes:
        recipe = read_recipe(Path(name))
        run = replace(recipe.run, steps=given.steps, checkpoint_every_s=1e9)
        with tempfile.TemporaryDirectory() as folder, torch_threads(1):
            rates = measure(replace(recipe, run=run), Path(folder))
        print(json.dumps({"recipe": name, "workers": run.workers, **rates}), flush=True)


if __name__ == "__main__":
    main()
