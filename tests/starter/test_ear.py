"""Notes out of our own encoder: from events that are known, and from the sample."""

from pathlib import Path

import torch

import umt_domains
from starter.ear import Ear, notes_of
from starter.sample import BASS, MELODY, score
from umt_trainer.score.notes import Note, agreement
from umt_trainer.score.sound import load_sound

ENCODER = Path(umt_domains.__path__[0]) / "weights" / "encoders" / "harmonic-1.safetensors"

SAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sample.flac"


def test_a_note_lasts_from_its_beginning_to_its_end() -> None:
    rows = (0.5, 60, 80), (0.75, 64, 9), (1, 60, 0), (1, 60, 70), (2, 60, 0), (3, 64, 0)
    assert notes_of(torch.tensor(rows).T) == [
        Note(0.5, 1.0, 60),
        Note(0.75, 3.0, 64),
        Note(1.0, 2.0, 60),
    ]


def test_the_bundled_encoder_hears_the_minuet() -> None:
    parts = score(MELODY, 104, 0.92), score(BASS, 96, 0.98)
    written = [Note(n.start_s, n.end_s, n.pitch) for part in parts for n in part.notes]
    assert agreement(written, Ear(ENCODER)(load_sound(SAMPLE))).f1 > 0.75
