"""Which domain a sound is of, as a small network sees it that was taught on true renderings.

It looks at excerpts of three seconds, and in each at how the mel bands lie, how much they
vary, and how suddenly they rise and fall: at timbre and attack, not at notes.

E excerpts, N features, F frames, Q mel bands, D domains.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from umt_trainer.score.mel import mel_db
from umt_trainer.score.sound import ANALYSIS_RATE, Mono, Sound
from umtcli.errors import UmtError

Array = NDArray[np.float64]

WINDOW, HOP, NUM_BANDS = 2048, 512, 80
EXCERPT_FRAMES = 3 * ANALYSIS_RATE // HOP
STEP_FRAMES = EXCERPT_FRAMES // 2
FLOOR_DB = -60.0
"""Of a band, below the mean power of its excerpt."""
SILENT_DB = -40.0
"""An excerpt this far below the loudest is not looked at."""
QUIETEST_DB = -60.0
"""Of full scale: what the loudest excerpt is taken for if all are softer."""
SUDDEN = (0.05, 0.95)
"""Quantiles of the change from frame to frame."""
NUM_FEATURES = 4 * NUM_BANDS
TENSORS = ("mean", "scale", "weight_1", "bias_1", "weight_2", "bias_2")


@dataclass(frozen=True)
class Recogniser:
    """Two layers over standardized features."""

    domains: tuple[str, ...]
    tensors: Mapping[str, Array]

    def chances(self, sound: Sound) -> Array:
        """How likely each excerpt is of each domain: (E, D), rows sum to 1."""
        return self.chances_of(features(sound.analysed))

    def chances_of(self, features_EN: Array) -> Array:
        """The same from what `features` gives."""
        x = (features_EN - self.tensors["mean"]) / self.tensors["scale"]
        x = np.maximum(x @ self.tensors["weight_1"].T + self.tensors["bias_1"], 0)
        logits = x @ self.tensors["weight_2"].T + self.tensors["bias_2"]
        odds = np.exp(logits - logits.max(1, keepdims=True))
        return np.asarray(odds / odds.sum(1, keepdims=True))

    def recognise(self, sound: Sound) -> str | None:
        """The domain that all excerpts together speak for; None if the sound is silent."""
        chances = self.chances(sound)
        if not len(chances):
            return None
        return self.domains[int(np.log(chances + 1e-6).sum(0).argmax())]

    def share(self, sound: Sound, domain: str) -> float:
        """Share of the excerpts that are taken for this domain rather than another."""
        chances = self.chances(sound)
        if not len(chances):
            return 0.0
        return float(np.mean(chances.argmax(1) == self.domains.index(domain)))


def load_recogniser(path: Path) -> Recogniser:
    """Read what `python -m starter recogniser` wrote.

    Raises:
        UmtError: the file is missing, or is none.
    """
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = tuple(json.loads((file.metadata() or {})["domains"]))
            tensors = {name: file.get_tensor(name).astype(np.float64) for name in TENSORS}
        found = Recogniser(names, tensors)
        if found.chances_of(np.zeros((1, NUM_FEATURES))).shape != (1, len(names)):
            raise ValueError("its sizes do not fit")
    except FileNotFoundError as e:
        raise UmtError(f"Cannot read {path}: there is no such file.") from e
    except Exception as e:  # safetensors has errors of its own; sizes may not fit
        raise UmtError(f"{path} is no recogniser: `python -m starter recogniser` makes one.") from e
    return found


def features(wav: Mono) -> Array:
    """What the network sees of a sound at `ANALYSIS_RATE`, whatever its level.

    A sound shorter than an excerpt is one; the rest after the last whole one is left out.

    Shape:
        returns: (E, NUM_FEATURES), in decibels; E is 0 for silence
    """
    bands_FQ = mel_db(wav, WINDOW, HOP, NUM_BANDS, floor_db=-180)
    starts = range(0, max(1, len(bands_FQ) - EXCERPT_FRAMES + 1), STEP_FRAMES)
    excerpts = [bands_FQ[start : start + EXCERPT_FRAMES] for start in starts]
    levels_db = np.array([_level_db(excerpt) for excerpt in excerpts])
    loudest_db = levels_db.max(initial=QUIETEST_DB)
    seen = [
        _summary(np.maximum(excerpt - level_db, FLOOR_DB))
        for excerpt, level_db in zip(excerpts, levels_db, strict=True)
        if len(excerpt) > 1 and level_db > loudest_db + SILENT_DB
    ]
    return np.array(seen).reshape(len(seen), NUM_FEATURES)


def _level_db(bands_FQ: Array) -> float:
    return float(10 * np.log10(np.mean(10 ** (bands_FQ / 10)))) if len(bands_FQ) else -200.0


def _summary(bands_FQ: Array) -> Array:
    change_FQ = np.diff(bands_FQ, axis=0)
    fall_Q, rise_Q = np.quantile(change_FQ, SUDDEN, axis=0)
    return np.concatenate([bands_FQ.mean(0), bands_FQ.std(0), fall_Q, rise_Q])
