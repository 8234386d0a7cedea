"""Hears notes with basic-pitch's network, which was trained by others on other music.

The network is a file of the package basic-pitch, run by onnxruntime. The package itself is
never imported: it wants TensorFlow, which newer Pythons cannot have.

T samples at 22,050 Hz, F frames, K keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from umt_trainer.score.notes import Note
from umt_trainer.score.posteriors import Array, find_notes
from umt_trainer.score.sound import ANALYSIS_RATE, Mono, Sound
from umtcli.errors import UmtError

Transcriber = Callable[[Sound], list[Note]]

RATE = ANALYSIS_RATE
FRAME_SAMPLES = 256
WINDOW_SAMPLES = 43_844
WINDOW_FRAMES = 172
OVERLAP_FRAMES = 30
STEP_SAMPLES = WINDOW_SAMPLES - OVERLAP_FRAMES * FRAME_SAMPLES
LOWEST_PITCH = 21
DRIFT_S = FRAME_SAMPLES / RATE * (WINDOW_FRAMES - WINDOW_SAMPLES / FRAME_SAMPLES) + 0.0018
"""By so much frames of a window would be late if they were 256 samples each; measured by
basic-pitch's authors."""
MODEL = Path("saved_models", "icassp_2022", "nmp.onnx")
HOW_TO = (
    "Note metrics need basic-pitch's network: pip install 'umtcli[score]', "
    "then pip install --no-deps basic-pitch."
)


class TranscriberMissing(UmtError):
    """The transcriber is not installed. Catch it to go on without note metrics."""


class BasicPitch:
    """Sound → notes, with the defaults of basic-pitch.

    Args:
        path: of its `nmp.onnx`; the installed package's if None.

    Raises:
        TranscriberMissing: onnxruntime or the network is not installed.
        UmtError: the file is no such network.
    """

    def __init__(self, path: Path | None = None) -> None:
        try:
            import onnxruntime
        except ImportError as e:
            raise TranscriberMissing(HOW_TO) from e
        path = path or _installed_model()
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), providers=["CPUExecutionProvider"]
            )
        except Exception as e:  # onnxruntime has its own errors, which derive from nothing else
            raise UmtError(f"{path} is no network that onnxruntime can run.") from e

    def __call__(self, sound: Sound) -> list[Note]:
        """The notes of a sound, in order."""
        sounds_FK, strikes_FK = self._beliefs(sound.analysed)
        return [
            Note(_time_s(first), _time_s(end), LOWEST_PITCH + key)
            for first, end, key in find_notes(sounds_FK, strikes_FK)
        ]

    def _beliefs(self, wav: Mono) -> tuple[Array, Array]:
        """That each key sounds, and that it is struck: (F, K) both."""
        margin = OVERLAP_FRAMES // 2
        inner = slice(margin, WINDOW_FRAMES - margin)
        parts = []
        for window in windows(wav):
            note, onset = self._session.run(
                ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"],
                {"serving_default_input_2:0": window[None, :, None]},
            )
            parts.append((note[0, inner], onset[0, inner]))
        num_frames = -(-len(wav) * (WINDOW_FRAMES - OVERLAP_FRAMES) // STEP_SAMPLES)
        sounds_FK, strikes_FK = (
            np.concatenate(part)[:num_frames].astype(np.float64)
            for part in zip(*parts, strict=True)
        )
        return sounds_FK, strikes_FK


def windows(wav: Mono) -> Iterator[Mono]:
    """Windows of a sound that overlap by 30 frames; half of that lies before its start."""
    padded = np.pad(wav, (OVERLAP_FRAMES // 2 * FRAME_SAMPLES, WINDOW_SAMPLES))
    for first in range(0, max(1, len(wav)), STEP_SAMPLES):
        yield padded[first : first + WINDOW_SAMPLES]


def _time_s(frame: int) -> float:
    return frame * FRAME_SAMPLES / RATE - DRIFT_S * (frame // WINDOW_FRAMES)


def _installed_model() -> Path:
    spec = find_spec("basic_pitch")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / MODEL
        if path.exists():
            return path
    raise TranscriberMissing(HOW_TO)
