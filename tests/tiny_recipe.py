"""A recipe of a system so small that it is trained within seconds."""

from __future__ import annotations

from pathlib import Path

RATE = 16_000
RECIPE = """
family = "wavenet"
space = "wavenet/tiny"
[encoder]
blocks = 1
layers = 2
channels = 8
[decoder]
blocks = 1
layers = 3
residual_channels = 8
skip_channels = 8
[distortion]
shortest_s = 0.06
longest_s = 0.12
[confusion]
channels = 8
[run]
steps = {steps}
batch_size = 4
shards = 2
crop_s = 0.25
learning_rate = 1e-2
warmup_steps = 1
schedule = "decay"
checkpoint_every_s = 0.0
[watch]
log_every_steps = 2
validate_every_steps = 2
validation_examples = 3
preview_every_validations = {previews}
preview_s = 0.25
[hardware]
device = "cpu"
"""


def write_recipe(folder: Path, steps: int = 4, previews: int = 0, extra: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny.toml"
    path.write_text(extra + RECIPE.format(steps=steps, previews=previews))
    return path
