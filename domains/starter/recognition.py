"""Teaching a small network to tell the domains apart, by their true renderings.

It learns from the music that the domains' decoders learn from, and is tried on the
development set's true renderings, which are other music. What it says of translations counts
only as far as it is right there.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from torch import nn
from torch.nn import functional

from starter.development import read_list
from starter.targets import TARGETS
from umt_trainer.score.recogniser import Array, Recogniser, features, load_recogniser
from umt_trainer.score.sound import Sound, load_sound
from umtcli.errors import TrainingError
from umtcli.whole import whole_file

HIDDEN = 64
STEPS = 1500
BATCH = 256
TILT_DB = 6.0
"""Each example is seen through another equalizer, of at most so many decibels either way."""
NUM_QUARTERS = 4
"""Of the features: levels, variations, falls, rises. Only levels are equalized."""


def recogniser_path(out: Path) -> Path:
    """Where the recogniser is."""
    return out / "weights" / "recogniser.safetensors"


def train_recogniser(out: Path, seed: int, advance: Callable[[str], None]) -> Path:
    """Learn to recognise `out/domains/*`.

    Args:
        out: the recipe's folder.
        seed: of the draws.
        advance: told each domain as its music was looked at.

    Raises:
        TrainingError: there is no music of fewer than two domains.
    """
    seen: dict[str, Array] = {}
    for name in TARGETS:
        paths = sorted((out / "domains" / name).glob("*.flac"))
        if paths:
            seen[name] = np.concatenate([features(load_sound(path).analysed) for path in paths])
        advance(name)
    if len(seen) < 2:
        raise TrainingError(
            f"{out / 'domains'} has the music of {len(seen)} domains; there is nothing to tell "
            f"apart. Run python -m starter domains {out} first."
        )
    path = recogniser_path(out)
    learned = taught(seen, seed).tensors
    tensors = {name: tensor.astype(np.float32) for name, tensor in learned.items()}
    with whole_file(path) as file:
        file.write(save(tensors, metadata={"domains": json.dumps(list(seen))}))
    return path


def taught(seen: Mapping[str, Array], seed: int) -> Recogniser:
    """A recogniser of what was seen of each domain.

    Args:
        seen: by domain, the `features` of its music.
        seed: of the draws.
    """
    x = torch.from_numpy(np.concatenate(list(seen.values()))).float()
    y = torch.cat([torch.full((len(rows),), k) for k, rows in enumerate(seen.values())])
    mean, scale = x.mean(0), x.std(0) + 1.0
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        first, second = nn.Linear(x.shape[1], HIDDEN), nn.Linear(HIDDEN, len(seen))
        network = nn.Sequential(first, nn.ReLU(), nn.Dropout(0.3), second)
        optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        for _ in range(STEPS):
            chosen = torch.randint(len(x), (BATCH,), generator=generator)
            inputs = (_equalized(x[chosen], generator) - mean) / scale
            loss = functional.cross_entropy(network(inputs), y[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    tensors = {
        "mean": mean, "scale": scale, "weight_1": first.weight, "bias_1": first.bias,
        "weight_2": second.weight, "bias_2": second.bias,
    }  # fmt: skip
    return Recogniser(
        tuple(seen), {name: tensor.detach().double().numpy() for name, tensor in tensors.items()}
    )


def _equalized(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Features as through a smooth random equalizer."""
    num_bands = x.shape[1] // NUM_QUARTERS
    knots = TILT_DB * (2 * torch.rand(len(x), 1, 5, generator=generator) - 1)
    curve = functional.interpolate(knots, num_bands, mode="linear", align_corners=True)[:, 0]
    return x + functional.pad(curve, (0, x.shape[1] - num_bands))


@dataclass(frozen=True)
class Trial:
    """How right a recogniser is on true renderings that it did not learn from."""

    num_right: int
    num_files: int
    mistaken: Mapping[str, Sequence[str]]
    """By domain: what its files were taken for."""

    @property
    def accuracy(self) -> float:
        """Share of the files."""
        return self.num_right / max(1, self.num_files)


def try_out(recogniser: Recogniser, sounds: Iterable[tuple[str, Sound]]) -> Trial:
    """Let it recognise sounds whose domains are known."""
    right, total = 0, 0
    mistaken: dict[str, list[str]] = {}
    for name, sound in sounds:
        found = recogniser.recognise(sound)
        right, total = right + (found == name), total + 1
        if found != name:
            mistaken.setdefault(name, []).append(found or "silence")
    return Trial(right, total, mistaken)


def true_renderings(out: Path) -> Iterator[tuple[str, Sound]]:
    """Those of the development set that are there, each with its domain.

    Raises:
        TrainingError: the set was not made yet.
    """
    there = [(name, case.true(out, name)) for case in read_list(out) for name in TARGETS]
    return ((name, load_sound(path)) for name, path in there if path.exists())


def load(out: Path) -> Recogniser:
    """The recipe's recogniser.

    Raises:
        TrainingError: it was not taught yet.
    """
    path = recogniser_path(out)
    if not path.exists():
        raise TrainingError(f"{path} is missing. Run python -m starter recogniser {out} first.")
    return load_recogniser(path)
