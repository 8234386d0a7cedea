"""Instruments that nobody has built, drawn by chance: their sound is computed, not sampled.

A soundfont has a hundred timbres, and a network can learn them all by heart. Recorded music has
others: strings that are stiffer, rooms that ring at other frequencies, voices that glide. Here
every piece has an instrument of its own, drawn wider than any maker would build it.

T samples, H partials.
"""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from starter.compose import Style
from starter.render import SAMPLE_RATE, TAIL_S, safe_gain
from starter.score import Score, write_midi
from starter.whistling import Wave
from umt_trainer.midi import Note

Random = np.random.Generator

HIGHEST_HZ = 16_000
MOST_PARTIALS = 40
RANGES = ((24, 72), (36, 84), (40, 96), (48, 96), (55, 103), (60, 108))
"""Lowest and highest MIDI pitch of an instrument."""


@dataclass(frozen=True)
class Instrument:
    """What was drawn. All instruments play in tune with A440, but for `cents`."""

    style: Style
    partial_db_H: Wave
    """Strength of each partial beside the others, at any pitch, before the body resounds."""
    body: tuple[tuple[float, float, float], ...]
    """Resonances: centre (Hz), width (octaves), gain (dB). They stay where they are."""
    stiffness: float
    """B: partial h lies at h·f0·√(1 + B·h²)."""
    attack_s: float
    release_s: float
    brighter_db: float
    """What each halving of the velocity takes from the eighth partial; less from lower ones."""
    damping: float
    """How much faster the partials of a note that fades go than its fundamental, per number."""
    vibrato_cents: float
    vibrato_hz: float
    glide_s: float
    """From one note of a line to the next; 0: at once."""
    breath: float
    """White noise beside the tone."""
    knock: float
    """Noise of the first few milliseconds."""
    cents: float
    """How much higher than A440 it is tuned."""


def invent(rng: Random) -> Instrument:
    """Draw an instrument."""
    low, high = RANGES[int(rng.integers(len(RANGES)))]
    fades, single = rng.random() < 0.45, rng.random() < 0.35
    decay_s = None
    if fades:
        longest = float(rng.uniform(0.6, 5.0))
        decay_s = (longest, longest * rng.uniform(0.4, 0.8), longest * rng.uniform(0.1, 0.35))
    attack_s = 0.002 if fades else float(np.exp(rng.uniform(np.log(0.005), np.log(0.12))))
    number_H = np.arange(1, MOST_PARTIALS + 1)
    partial_db_H = -rng.uniform(2, 14) * np.log2(number_H) + rng.normal(0, 5, MOST_PARTIALS)
    if rng.random() < 0.3:  # as a clarinet: odd partials only, or nearly so
        partial_db_H[1::2] -= rng.uniform(6, 40)
    if rng.random() < 0.3:
        partial_db_H[0] -= rng.uniform(3, 15)
    trembles = not fades and rng.random() < 0.5
    return Instrument(
        style=Style(
            low,
            high,
            max_voices=1 if single else 6,
            fastest_s=max(0.09, 1.5 * attack_s),
            decay_s=decay_s,
        ),
        partial_db_H=partial_db_H,
        body=tuple(
            (float(np.exp(rng.uniform(np.log(150), np.log(5000)))), rng.uniform(0.1, 0.8), db)
            for db in rng.uniform(-12, 15, int(rng.integers(5)))
        ),
        stiffness=float(10 ** rng.uniform(-5, -3)) if fades else 0.0,
        attack_s=attack_s,
        release_s=float(np.exp(rng.uniform(np.log(0.02), np.log(0.25)))),
        brighter_db=float(rng.uniform(0, 9)),
        damping=float(rng.uniform(0, 0.4)),
        vibrato_cents=float(rng.uniform(5, 60)) if trembles else 0.0,
        vibrato_hz=float(rng.uniform(4, 7)),
        glide_s=float(rng.uniform(0.01, 0.08)) if single and rng.random() < 0.5 else 0.0,
        breath=float(10 ** rng.uniform(-4, -1.5)) if rng.random() < 0.5 else 0.0,
        knock=float(10 ** rng.uniform(-2.5, -0.7)) if rng.random() < 0.6 else 0.0,
        cents=float(rng.uniform(-15, 15)),
    )


def perform(score: Score, instrument: Instrument, rng: Random) -> Wave:
    """Play a score: (round((duration_s + TAIL_S) · SAMPLE_RATE),)."""
    wav_T = np.zeros(round((score.duration_s + TAIL_S) * SAMPLE_RATE))
    last: Note | None = None
    for note in score.notes:
        glides = instrument.glide_s and last is not None and note.start_s - last.end_s < 0.1
        sound_T = _sound(note, instrument, last.pitch if glides and last else note.pitch, rng)
        first = round(note.start_s * SAMPLE_RATE)
        sound_T = sound_T[: len(wav_T) - first]
        wav_T[first : first + len(sound_T)] += sound_T
        last = note
    return wav_T


def record(score: Score, seed: int, path: Path) -> bool:
    """Play a score on the instrument of a seed, unless it is there already.

    Returns:
        Whether anything had to be done.
    """
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    wav_T = perform(score, invent(rng), rng)
    with tempfile.TemporaryDirectory(prefix=".invented-", dir=path.parent) as folder:
        flac, midi = Path(folder) / "piece.flac", Path(folder) / "piece.mid"
        # a mean level near that of what FluidSynth plays
        loud = 0.1 / max(1e-6, float(np.sqrt(np.mean(wav_T**2))))
        sf.write(flac, safe_gain(wav_T * loud), SAMPLE_RATE, subtype="PCM_16")
        write_midi(score, midi)
        os.replace(midi, path.with_suffix(".mid"))
        os.replace(flac, path)
    return True


def _sound(note: Note, instrument: Instrument, from_pitch: int, rng: Random) -> Wave:
    """One note, with its release: (T,)."""
    held = round((note.end_s - note.start_s) * SAMPLE_RATE)
    release = round(instrument.release_s * SAMPLE_RATE)
    age_s = np.arange(held + release) / SAMPLE_RATE
    bend_T = _bend(note, instrument, from_pitch, age_s, rng)
    f0 = 440 * 2 ** ((note.pitch - 69 + instrument.cents / 100) / 12)
    phase_T = 2 * math.pi * f0 * np.cumsum(2 ** (bend_T / 12)) / SAMPLE_RATE
    decay_s = instrument.style.longest_s(note.pitch)
    tone_T = np.zeros(len(age_s))
    for h, amplitude in enumerate(_strengths(f0, note.velocity, instrument), start=1):
        stretch = h * math.sqrt(1 + instrument.stiffness * h**2)
        if stretch * f0 > HIGHEST_HZ:
            break
        partial_T = amplitude * np.sin(stretch * phase_T + rng.uniform(0, 2 * math.pi))
        if instrument.style.decay_s is not None:
            # to -35 dB within the decay, higher partials earlier
            rate = 4.0 / decay_s * (1 + instrument.damping * (h - 1))
            partial_T *= np.exp(-rate * age_s)
        tone_T += partial_T
    tone_T += instrument.breath * rng.normal(0, 1, len(age_s))
    tone_T += instrument.knock * rng.normal(0, 1, len(age_s)) * np.exp(-age_s / 0.004)
    rise_T = np.minimum(1, age_s / instrument.attack_s)
    fall_T = np.clip((len(age_s) - np.arange(len(age_s))) / max(1, release), 0, 1)
    return np.asarray((note.velocity / 127) ** 2 * tone_T * rise_T * fall_T**2)


def _bend(note: Note, instrument: Instrument, from_pitch: int, age_s: Wave, rng: Random) -> Wave:
    """Semitones from the written pitch at each sample."""
    bend_T = np.zeros(len(age_s))
    if from_pitch != note.pitch:
        bend_T += (from_pitch - note.pitch) * np.exp(-age_s / (instrument.glide_s / 3))
    if instrument.vibrato_cents:
        turn_T = 2 * math.pi * (instrument.vibrato_hz * age_s + rng.random())
        bend_T += instrument.vibrato_cents / 100 * np.minimum(1, age_s / 0.3) * np.sin(turn_T)
    return bend_T


def _strengths(f0: float, velocity: int, instrument: Instrument) -> Wave:
    """Amplitudes of the partials of a note, whose squares add up to 1: (H,)."""
    number_H = np.arange(1, MOST_PARTIALS + 1)
    softer = math.log2(127 / max(1, velocity))
    db_H = instrument.partial_db_H - instrument.brighter_db * softer * np.log2(number_H) / 3
    for centre_hz, octaves, gain_db in instrument.body:
        db_H = db_H + gain_db * np.exp(-((np.log2(number_H * f0 / centre_hz) / octaves) ** 2))
    strength_H = 10 ** (db_H / 20) * (number_H * f0 < HIGHEST_HZ)
    return np.asarray(strength_H / max(1e-9, float(np.sqrt(np.sum(strength_H**2)))))
