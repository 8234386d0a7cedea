"""Scores that lie beside recordings come into the shards, and out with each stretch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import pytest

from signals import noise, write
from umt_trainer.music import load_domains
from umt_trainer.prepare import Manifest, Source, load_split, prepare
from umtcli.errors import TrainingError

RATE = 8_000
NOTES = [(0.5, 1.5, 60, 127), (1.0, 3.0, 64, 64), (4.5, 4.9, 67, 127)]
"""Start and end (s), pitch, velocity."""


@dataclass
class Learner:
    """As much of a family as prepare asks for."""

    family: str = "toy"
    sample_rate: int = RATE
    hears_scores: bool = True


def write_score(path: Path, notes: list[tuple[float, float, int, int]]) -> None:
    events = [(start, mido.Message("note_on", note=p, velocity=v)) for start, _, p, v in notes]
    events += [(end, mido.Message("note_off", note=pitch)) for _, end, pitch, _ in notes]
    track, now = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000)]), 0
    for time_s, message in sorted(events, key=lambda event: event[0]):
        tick = round(time_s * 1000)
        track.append(message.copy(time=tick - now))
        now = tick
    mido.MidiFile(tracks=[track], ticks_per_beat=500).save(path)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = tmp_path / "in"
    folder.mkdir()
    for k in range(10):
        write(folder / f"{k}.wav", np.roll(noise(5.0, RATE, 1), 99 * k), RATE)
        write_score(folder / f"{k}.mid", NOTES)
    return Source("kazoo", folder)


@pytest.fixture
def ready(tmp_path: Path, source: Source) -> Callable[[], tuple[Manifest, int]]:
    """Prepares; tells also how many files it read."""

    def run() -> tuple[Manifest, int]:
        read_s = [0.0]
        manifest = prepare(
            source,
            tmp_path / "out",
            Learner(),
            2,
            lambda seconds, _: read_s.append(seconds),
            scores=True,
        )
        return manifest, round(sum(read_s) / 5.0)

    return run


def test_each_recording_has_its_notes(
    tmp_path: Path, ready: Callable[[], tuple[Manifest, int]]
) -> None:
    ready()
    quieter_db = 40 * math.log10(64 / 127)
    for recording in load_split(tmp_path / "out" / "kazoo", "train"):
        assert recording.notes is not None
        wanted = [(0.5, 1.5, 60, 0), (1.0, 3.0, 64, quieter_db), (4.5, 4.9, 67, 0)]
        assert np.allclose(recording.notes, wanted, atol=1e-6)


def test_a_stretch_has_the_notes_that_sound_in_it_by_its_own_time(
    tmp_path: Path, source: Source, ready: Callable[[], tuple[Manifest, int]]
) -> None:
    # one recording is split by time: its last seconds are held out
    for path in source.folder.iterdir():
        path.unlink()
    long = [(t + 0.25, t + 0.75, 60 + t % 12, 100) for t in range(60)]
    write(source.folder / "long.wav", noise(60.0, RATE, 1), RATE)
    write_score(source.folder / "long.mid", long)
    (record,) = ready()[0].records
    for part in record.parts:
        (stretch,) = load_split(tmp_path / "out" / "kazoo", part.split)
        first_s, last_s = part.first / RATE, (part.first + part.num_samples) / RATE
        wanted = [
            (a - first_s, b - first_s, p) for a, b, p, _ in long if b > first_s and a < last_s
        ]
        assert stretch.notes is not None
        assert len(wanted) >= 4
        assert np.allclose(stretch.notes[:, :3], wanted, atol=1e-6)


def test_a_changed_score_is_read_again_and_no_other(
    source: Source, ready: Callable[[], tuple[Manifest, int]]
) -> None:
    before, _ = ready()
    assert ready() == (before, 0)
    write_score(source.folder / "3.mid", NOTES[:2])
    after, num_read = ready()
    assert num_read == 1
    changed = [b.source for b, a in zip(before.records, after.records, strict=True) if a != b]
    assert changed == ["3.wav"]


def test_a_recording_with_a_broken_score_is_left_out_by_name(
    source: Source, ready: Callable[[], tuple[Manifest, int]]
) -> None:
    (source.folder / "3.mid").write_bytes(b"MThd, but no more")
    (reject,) = ready()[0].rejects
    assert reject.source == "3.wav"
    assert reject.unreadable
    assert "3.mid: it is no whole MIDI file" in reject.reason


def test_a_family_that_hears_scores_refuses_music_without(
    tmp_path: Path, source: Source, ready: Callable[[], tuple[Manifest, int]]
) -> None:
    (source.folder / "3.mid").unlink()
    ready()
    domains = {"kazoo": tmp_path / "out" / "kazoo"}

    def load(learner: Learner) -> None:
        for split in ("train", "val", "test"):
            load_domains(domains, split, 1.0, learner)

    with pytest.raises(TrainingError, match=r"kazoo: 3\.wav@0 has no score, .* toy family"):
        load(Learner())
    load(Learner(hears_scores=False))
