import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from starter import render as rendering
from starter.performance import Part
from starter.programs import run_program
from starter.render import SAMPLE_RATE, TAIL_S, Job, command, render, safe_gain
from starter.score import Score
from umt_trainer.midi import Note, read_midi
from umtcli.errors import UmtError

SCORE = Score((Note(0.1, 0.4, 69, 80),), 0.5)
PARTS = (Part(SCORE, 0),)


def job(path: Path) -> Job:
    return Job(PARTS, path, soundfont=Path(__file__))  # any file will do for a fake synthesizer


class FakeSynth:
    """Writes a sine instead of running FluidSynth, and remembers how it was called."""

    def __init__(self, amplitude: float = 0.5, duration_s: float = 3.0) -> None:
        self.amplitude, self.duration_s = amplitude, duration_s
        self.calls: list[list[str]] = []

    def __call__(self, arguments):
        self.calls.append(list(arguments))
        time_T = np.arange(round(self.duration_s * SAMPLE_RATE)) / SAMPLE_RATE
        left_T = self.amplitude * np.sin(2 * np.pi * 440 * time_T)
        wav = arguments[arguments.index("-F") + 1]
        sf.write(wav, np.stack([left_T, left_T], axis=1), SAMPLE_RATE, subtype="FLOAT")


def test_the_call_is_an_argument_list_without_reverb_or_chorus():
    arguments = command(Path("a b.mid"), Path("out.wav"), Path("some.sf2"))
    assert arguments[0] == "fluidsynth"
    assert arguments[-2:] == ["some.sf2", "a b.mid"]
    assert arguments[arguments.index("-R") + 1] == "0"
    assert arguments[arguments.index("-C") + 1] == "0"
    assert arguments[arguments.index("-r") + 1] == "44100"
    assert arguments[arguments.index("-F") + 1] == "out.wav"


def test_no_other_soundfont_takes_the_place_of_one_that_is_missing(tmp_path):
    """FluidSynth would play its default, which may be the one that networks learned from."""
    assert "synth.default-soundfont=" in command(Path("a.mid"), Path("a.wav"))
    synth = FakeSynth()
    with pytest.raises(UmtError, match=r"no soundfont .*gone\.sf2\. .*timgm6mb-soundfont"):
        render(Job(PARTS, tmp_path / "a.flac", soundfont=tmp_path / "gone.sf2"), synth)
    assert not synth.calls


@pytest.mark.parametrize("duration_s", [0.2, 3.0])
def test_files_last_as_long_as_the_score_and_its_tail(tmp_path, duration_s):
    path = tmp_path / "folder" / "piece.flac"
    assert render(job(path), FakeSynth(duration_s=duration_s))
    info = sf.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (SAMPLE_RATE, 1, "PCM_16")
    assert info.frames == round((SCORE.duration_s + TAIL_S) * SAMPLE_RATE)
    assert read_midi(path.with_suffix(".mid")) == list(SCORE.notes)
    assert sorted(p.name for p in path.parent.iterdir()) == ["piece.flac", "piece.mid"]


def test_what_is_there_is_not_made_again(tmp_path):
    piece = job(tmp_path / "piece.flac")
    synth = FakeSynth()
    assert render(piece, synth)
    assert not render(piece, synth)
    assert len(synth.calls) == 1


def test_nothing_is_left_behind_by_a_failure(tmp_path):
    def fail(arguments):
        raise RuntimeError("no sound")

    with pytest.raises(RuntimeError, match="no sound"):
        render(job(tmp_path / "piece.flac"), fail)
    assert not list(tmp_path.iterdir())


def test_silence_is_an_error(tmp_path):
    with pytest.raises(UmtError, match=r"plays piece \(program 0\) as silence"):
        render(job(tmp_path / "piece.flac"), FakeSynth(amplitude=0.0))


def test_loud_renderings_do_not_clip(tmp_path):
    path = tmp_path / "piece.flac"
    render(job(path), FakeSynth(amplitude=2.5))
    wav_T, _ = sf.read(path)
    assert 0.88 < np.abs(wav_T).max() < 0.9


def test_gain_changes_only_what_clips_or_drowns():
    usual_T = np.array([0.3, -0.5], dtype=np.float32)
    assert np.array_equal(safe_gain(usual_T), usual_T)
    assert np.abs(safe_gain(usual_T / 100)).max() == pytest.approx(rendering.QUIETEST_PEAK)


def test_a_program_that_fails_is_told_in_one_line():
    complains = [sys.executable, "-c", "import sys; sys.exit('first\\n  second')"]
    with pytest.raises(UmtError, match=r" failed: first second$"):
        run_program(complains)


def test_a_missing_program_is_named():
    with pytest.raises(UmtError, match="surely-no-such-program is not installed"):
        run_program(["surely-no-such-program"])
