"""Notes as our own encoder hears them.

Outside transcribers hear strings, organs, choirs and winds badly even in true renderings. Of
those our encoder judges the translation, beside the true rendering as ever.

F frames, P pitches.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import LATENT_RATE, LOWEST_MIDI, NUM_PITCHES, SAMPLE_RATE
from umt_trainer.hearing import hear
from umt_trainer.score.notes import Note
from umt_trainer.score.sound import Sound, resample
from umtcli.bundle import read_bundle

STRUCK = 0.25
"""Of an onset activation, at its peak."""
SOUNDS = 0.3
"""Of a frame activation."""
SOON_FRAMES = 4
"""A struck note has to sound within this."""


class Ear:
    """Sound → notes, by the encoder of a bundle.

    Raises:
        BundleError: the file is no encoder that this version can run.
    """

    def __init__(self, bundle: Path) -> None:
        self._encoder = HarmonicFamily().load_encoder(read_bundle(bundle, "encoder"), "cpu")
        self.fingerprint = self._encoder.space.fingerprint

    def __call__(self, sound: Sound) -> list[Note]:
        """The notes of a sound, in order."""
        wav_T = resample(sound.wav, sound.sample_rate, SAMPLE_RATE)
        latents = hear(self._encoder, torch.from_numpy(wav_T)).numpy()
        return find_notes(latents[:NUM_PITCHES], latents[NUM_PITCHES : 2 * NUM_PITCHES])


def find_notes(frame_PF: NDArray[np.float32], onset_PF: NDArray[np.float32]) -> list[Note]:
    """A note begins at a peak of its onset, and lasts while it sounds or until the next.

    Args:
        frame_PF: that a pitch sounds, 0 … 1.
        onset_PF: that it is struck, 0 … 1.
    """
    inner = onset_PF[:, 1:-1]
    peaks = (inner > STRUCK) & (inner >= onset_PF[:, :-2]) & (inner > onset_PF[:, 2:])
    notes = []
    for pitch, before in np.argwhere(peaks).tolist():
        first = before + 1
        sounds = np.flatnonzero(frame_PF[pitch, first : first + SOON_FRAMES] > SOUNDS)
        if not len(sounds):
            continue
        start = first + _vertex(*onset_PF[pitch, first - 1 : first + 2].tolist())
        later = np.flatnonzero(peaks[pitch, first:])
        last = first + 1 + int(later[0]) if len(later) else frame_PF.shape[1]
        silent = np.flatnonzero(frame_PF[pitch, first + int(sounds[0]) : last] <= SOUNDS)
        end = first + int(sounds[0]) + int(silent[0]) if len(silent) else last
        # the middle of frame f lies at (f + 1/2) / rate
        start_s, end_s = (start + 0.5) / LATENT_RATE, (end + 0.5) / LATENT_RATE
        notes.append(Note(start_s, end_s, LOWEST_MIDI + pitch))
    return sorted(notes)


def _vertex(left: float, peak: float, right: float) -> float:
    """Where the parabola through three points has its top, from the middle one."""
    bend = left - 2 * peak + right
    return 0.5 * (left - right) / bend if bend else 0.0
