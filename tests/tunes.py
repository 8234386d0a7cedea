"""Melodies of sines with known notes, as sounds to be scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from umt_trainer.score.notes import Note
from umt_trainer.score.sound import Mono, Sound
from umtcli.media import LoudnessMeter

RATE = 22_050
FADE_S = 0.05


def tune(pitches: Sequence[int], note_s: float = 0.5) -> list[Note]:
    """One note after the other."""
    return [Note(n * note_s, (n + 1) * note_s, pitch) for n, pitch in enumerate(pitches)]


def sines(
    notes: Sequence[Note], overtones: Sequence[float] = (), rate: int = RATE, level: float = 0.2
) -> Mono:
    """Each note as a sine with overtones of these amplitudes; it fades in and out."""
    end_s = max(note.end_s for note in notes)
    wav = np.zeros(round(end_s * rate))
    for note in notes:
        first, last = round(note.start_s * rate), round(note.end_s * rate)
        time_s = np.arange(last - first) / rate
        turns = 440 * 2 ** ((note.pitch - 69) / 12) * time_s
        tone = sum(a * np.sin(2 * np.pi * k * turns) for k, a in enumerate((1, *overtones), 1))
        edge = np.minimum(time_s, (last - first) / rate - time_s) / FADE_S
        wav[first:last] += level * tone * np.sin(np.pi / 2 * np.clip(edge, 0, 1)) ** 2
    return wav.astype(np.float32)


def sound(wav: Mono, rate: int = RATE) -> Sound:
    """A wave with its loudness."""
    meter = LoudnessMeter(rate, 1)
    meter.push(wav[:, None].astype(np.float32))
    return Sound(wav.astype(np.float32), rate, meter.integrated_lufs())


def hear_sines(sound: Sound) -> list[Note]:
    """A transcriber of tunes: the loudest pitch of each half second, if there is one."""
    notes = []
    length = sound.sample_rate // 2
    hz = np.fft.rfftfreq(16 * length, 1 / sound.sample_rate)
    for n in range(len(sound.wav) // length):
        part = sound.wav[n * length : (n + 1) * length]
        if np.abs(part).max() > 1e-3:
            loudest = hz[np.abs(np.fft.rfft(part, 16 * length)).argmax()]
            pitch = round(69 + 12 * np.log2(loudest / 440))
            notes.append(Note(n / 2, n / 2 + 0.5, pitch))
    return notes
