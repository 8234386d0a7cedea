"""The piece that `make demo` translates: a minuet for flute and guitar.

Christian Petzold's Minuet in G (BWV Anh. 114), the first eight bars and the first two
again, written down from the notes; it is in the public domain since long ago.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile as sf

from starter.performance import Part
from starter.render import SAMPLE_RATE, SOUNDFONT, Job, render
from starter.score import Score
from umt_trainer.midi import Note

BEAT_S = 60 / 118
FLUTE, GUITAR = 73, 24
PAN = {FLUTE: 0.38, GUITAR: 0.66}
"""Where each player sits: 0 left, 1 right."""

MELODY = (
    "D5 1  G4 .5 A4 .5 B4 .5 C5 .5  D5 1 G4 1 G4 1  E5 1 C5 .5 D5 .5 E5 .5 F#5 .5  G5 1 G4 1 G4 1"
    "  C5 1 D5 .5 C5 .5 B4 .5 A4 .5  B4 1 C5 .5 B4 .5 A4 .5 G4 .5  F#4 1 G4 .5 A4 .5 B4 .5 G4 .5"
    "  A4 3  D5 1 G4 .5 A4 .5 B4 .5 C5 .5  D5 1 G4 1 G4 1"
)
BASS = (
    "G3+B3+D4 2 A3 1  B3 3  C4 3  B3 3  A3 3  G3 3  D4 1 B3 1 G3 1"
    "  D4 1 D3 .5 C4 .5 B3 .5 A3 .5  G3+B3 2 A3 1  B3 3"
)
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def score(text: str, velocity: int, held: float) -> Score:
    """Read notes with their lengths in beats: `G3+B3 2` is a chord of two beats.

    Args:
        text: the notes.
        velocity: of the beats; what lies between is a little softer.
        held: which part of its length a note sounds.
    """
    words = text.split()
    notes, beat = [], 0.0
    for names, length in zip(words[::2], words[1::2], strict=True):
        start_s, end_s = beat * BEAT_S, (beat + held * float(length)) * BEAT_S
        stress = 0 if beat % 3 == 0 else 8 if beat % 1 == 0 else 14
        notes += [Note(start_s, end_s, _midi(n), velocity - stress) for n in names.split("+")]
        beat += float(length)
    return Score(tuple(sorted(notes)), beat * BEAT_S)


def render_sample(
    path: Path, soundfont: Path = SOUNDFONT, players: Sequence[int] = (FLUTE, GUITAR)
) -> None:
    """Render the players, set apart in stereo, and write 16-bit FLAC."""
    mix = np.zeros((0, 2))
    parts = {FLUTE: score(MELODY, 104, 0.92), GUITAR: score(BASS, 96, 0.98)}
    with tempfile.TemporaryDirectory() as folder:
        for program in players:
            part = parts[program]
            player = Path(folder) / f"{program}.flac"
            render(Job((Part(part, program),), player, soundfont=soundfont))
            wav, _ = sf.read(player)
            length = max(len(wav), len(mix))
            mix = np.pad(mix, ((0, length - len(mix)), (0, 0)))
            angle = PAN[program] * np.pi / 2
            mix[: len(wav)] += wav[:, None] * np.array([np.cos(angle), np.sin(angle)])
    fade = np.minimum(1, np.arange(len(mix))[::-1] / (0.5 * SAMPLE_RATE))
    mix *= (0.5 / np.abs(mix).max()) * fade[:, None]
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, mix, SAMPLE_RATE, subtype="PCM_16")


def _midi(name: str) -> int:
    return 12 * (int(name[-1]) + 1) + STEPS[name[0]] + name.count("#")
