"""From scores to sound: FluidSynth plays, and what it played is kept as FLAC.

A piece is a FLAC file with its score beside it (``name.flac``, ``name.mid``). The FLAC appears
last and whole, so that a run that was cut off goes on where it was.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from starter.performance import Part, write_parts, written
from starter.programs import run_program
from starter.score import Score, write_midi
from umtcli.errors import UmtError

SAMPLE_RATE = 44_100

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
"""Where Debian's `fluid-soundfont-gm` puts it."""

TAIL_S = 1.0
"""What is kept after a score's end, for the last notes to ring."""

FLUIDSYNTH_GAIN = 0.8
"""Puts single notes near -20 dBFS. FluidSynth writes floats, so what goes over is not clipped."""

HALL = {"room-size": 0.85, "damp": 0.2, "width": 0.5, "level": 0.7}
"""FluidSynth's reverb, where it is wanted."""

PEAK = 0.89
"""Highest sample of any file: -1 dBFS."""

QUIETEST_PEAK = 0.05
"""Pieces whose peak is under this are brought up to it, or 16 bits would be too coarse."""


@dataclass(frozen=True)
class Job:
    """One file to be made."""

    parts: tuple[Part, ...]
    path: Path
    """Of the FLAC file; the score goes beside it."""
    midi_path: Path | None = None
    """Where the score goes, if not beside the sound."""
    soundfont: Path = SOUNDFONT
    reverb: bool = False
    """FluidSynth's large hall around it."""

    @property
    def score(self) -> Score:
        """The keys that all parts press, as the network is to hear them."""
        return written(self.parts)


Runner = Callable[[Sequence[str]], object]


def command(
    midi: Path, wav: Path, soundfont: Path = SOUNDFONT, *, reverb: bool = False
) -> list[str]:
    """The FluidSynth call that plays ``midi`` into ``wav``, a file of floats.

    Chorus is off, and so is reverb as a rule: rooms are added where a model is trained.
    """
    hall = [f"synth.reverb.{name}={value}" for name, value in HALL.items()]
    return [
        "fluidsynth",
        "-q",
        "-ni",
        *("-o", "synth.default-soundfont="),  # played, unasked, if the other cannot be read
        *("-g", str(FLUIDSYNTH_GAIN)),
        *("-R", "1" if reverb else "0"),
        *(word for setting in hall if reverb for word in ("-o", setting)),
        *("-C", "0"),
        *("-r", str(SAMPLE_RATE)),
        *("-O", "float"),
        *("-F", str(wav)),
        str(soundfont),
        str(midi),
    ]


def render(job: Job, runner: Runner = run_program) -> bool:
    """Render one piece, unless it is there already.

    Args:
        job: What to make and where.
        runner: Runs FluidSynth; tests put a fake here.

    Returns:
        Whether anything had to be done.

    Raises:
        UmtError: There is no such soundfont, FluidSynth failed, or what it played is silent.
    """
    if job.path.exists():
        return False
    if not job.soundfont.is_file():
        raise UmtError(
            f"There is no soundfont {job.soundfont}. The recipe's are in Debian's packages "
            "fluid-soundfont-gm and timgm6mb-soundfont."
        )
    job.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".render-", dir=job.path.parent) as folder:
        midi, wav, flac = (Path(folder) / f"piece.{suffix}" for suffix in ("mid", "wav", "flac"))
        write_parts(job.parts, midi)
        runner(command(midi, wav, job.soundfont, reverb=job.reverb))
        score = job.score
        wav_T = fit(wav, score.duration_s + TAIL_S)
        if any(part.score.notes for part in job.parts) and float(np.abs(wav_T).max()) < 1e-4:
            programs = " and ".join(str(part.program) for part in job.parts)
            raise UmtError(
                f"{job.soundfont} plays {job.path.stem} (program {programs}) as silence. "
                "Is it a General MIDI soundfont?"
            )
        write_midi(score, midi)
        sf.write(flac, safe_gain(wav_T), SAMPLE_RATE, subtype="PCM_16")
        os.replace(midi, job.midi_path or job.path.with_suffix(".mid"))
        os.replace(flac, job.path)
    return True


def fit(wav: Path, duration_s: float) -> np.ndarray:
    """Read ``wav`` as mono, cut or padded to ``duration_s``.

    Shape:
        (round(duration_s · SAMPLE_RATE),)
    """
    wav_TC, rate = sf.read(wav, dtype="float32", always_2d=True)
    assert rate == SAMPLE_RATE
    num_samples = round(duration_s * SAMPLE_RATE)
    wav_T = wav_TC.mean(axis=1)[:num_samples]
    return np.pad(wav_T, (0, num_samples - len(wav_T)))


def safe_gain(wav_T: np.ndarray) -> np.ndarray:
    """Scale ``wav_T`` only where its peak would clip, or drown in 16-bit noise."""
    peak = float(np.abs(wav_T).max(initial=0.0))
    if peak > PEAK:
        return wav_T * (PEAK / peak)
    if 0.0 < peak < QUIETEST_PEAK:
        return wav_T * (QUIETEST_PEAK / peak)
    return wav_T


def do_all(tasks: Sequence[Callable[[], bool]], num_processes: int = 2) -> Iterator[bool]:
    """Do ``tasks`` in parallel, yielding what each in turn returns."""
    with ProcessPoolExecutor(num_processes) as pool:
        yield from pool.map(_do, tasks)


def _do(task: Callable[[], bool]) -> bool:
    return task()
