"""Notes as our own encoder hears them.

Outside transcribers hear strings, organs, choirs and winds badly even in true renderings. Of
those our encoder judges the translation, beside the true rendering as ever.

N events.
"""

from pathlib import Path

import torch

from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.transcript import NoteStreams
from umt_trainer.hearing import hear
from umt_trainer.score.notes import Note
from umt_trainer.score.sound import Sound, resample
from umtcli.bundle import read_bundle


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
        latents_CF = hear(self._encoder, torch.from_numpy(wav_T))
        streams = NoteStreams()
        stream = streams.open()
        events = [streams.push({stream: latents_CF})[stream], streams.finish([stream])[stream]]
        return notes_of(torch.cat(events, dim=1))


def notes_of(events: torch.Tensor) -> list[Note]:
    """Notes, in order, of beginnings and ends as `NoteStreams` tells them: (3, N)."""
    notes: list[Note] = []
    began: dict[float, float] = {}
    for time_s, pitch, velocity in events.T.tolist():
        if velocity:
            began[pitch] = time_s
        else:
            notes.append(Note(began.pop(pitch), time_s, int(pitch)))
    return sorted(notes)
