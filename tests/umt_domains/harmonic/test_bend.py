"""Bends that are known are heard, and what is played follows them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tiny_harmonic import THIRD, few_notes, make_decoder, through, trembling
from umt_domains.harmonic.bend import (
    AROUND_FRAMES,
    LASTS_FRAMES,
    MOST_AHEAD,
    ahead,
    heard_bend,
)
from umt_domains.harmonic.config import LATENT_HOP, LATENT_RATE, NUM_PITCHES, SAMPLE_RATE
from umt_domains.harmonic.front import SPECTRUM_REACH, LogSpectrum
from umt_domains.harmonic.latents import BEND
from umt_domains.harmonic.section import REACH, Section

A4 = 48
FRAMES = 60
FRONT_END = LogSpectrum(2)
BENDS = replace(THIRD, bends=True)


FALLING = tuple(1 / h for h in range(1, 7))
"""Amplitudes of six harmonics."""


def sung(pitch: int, bend_T: Tensor, amplitudes: Sequence[float] = FALLING) -> Tensor:
    """A tone that is so many semitones away from its pitch: (T,)."""
    hertz_T = 440 * 2 ** ((pitch - A4 + bend_T.double()) / 12)
    turns_T = hertz_T.cumsum(0) / SAMPLE_RATE
    partials = [a * (2 * math.pi * h * turns_T).sin() for h, a in enumerate(amplitudes, 1)]
    return 0.1 * torch.stack(partials).sum(0)


def told(
    *notes: tuple[int, Tensor], amplitudes: Sequence[float] = FALLING, activation: float = 0.9
) -> Tensor:
    """The bend that is heard of tones on these pitches, sounding all the time: (F,)."""
    wavs = [sung(pitch, bend_T, amplitudes) for pitch, bend_T in notes]
    wav_T = torch.stack(wavs).sum(0).float()
    level_BF = wav_T.square().mean().sqrt().expand(1, FRAMES)
    activations = torch.zeros(1, 3, NUM_PITCHES, FRAMES)
    for pitch, _ in notes:
        activations[:, :, pitch] = activation
    return heard_bend(FRONT_END(wav_T[None], level_BF), activations)[0]


def over_time(bend: Callable[[Tensor], Tensor]) -> Tensor:
    """A bend (semitones) of time (s), at every sample that the spectrum sees."""
    samples = torch.arange(-SPECTRUM_REACH, FRAMES * LATENT_HOP + SPECTRUM_REACH)
    return bend(samples.double() / SAMPLE_RATE)


def steady(semitones: float) -> Tensor:
    return over_time(lambda t: torch.full_like(t, semitones))


def vibrato(semitones: float, hertz: float = 5.5) -> Tensor:
    return over_time(lambda t: semitones * (2 * math.pi * hertz * t).sin())


@pytest.mark.parametrize("pitch", [31, 43, 48, 60, 67])
@pytest.mark.parametrize("semitones", [-0.4, -0.1, 0.0, 0.25, 0.5])
def test_a_tone_beside_its_pitch_is_told_by_how_much(pitch: int, semitones: float) -> None:
    assert told((pitch, steady(semitones))).tolist() == pytest.approx(
        [semitones] * FRAMES, abs=0.04
    )


@pytest.mark.parametrize("strongest", [1, 2, 3, 4, 5])
def test_it_does_not_matter_which_partial_is_strongest(strongest: int) -> None:
    amplitudes = [0.1] * 6
    amplitudes[strongest - 1] = 1.0
    for semitones in (-0.2, 0.0, 0.2):
        bends = told((A4, steady(semitones)), amplitudes=amplitudes)
        assert bends.tolist() == pytest.approx([semitones] * FRAMES, abs=0.04)


def test_what_is_less_and_less_sure_is_told_less_and_less() -> None:
    bends = [
        float(told((A4, steady(0.3)), activation=a)[30]) for a in (0.45, 0.5001, 0.55, 0.6, 0.7, 1)
    ]
    assert bends[0] == 0
    assert bends[1] < 1e-3  # no step
    assert bends == sorted(bends)
    assert bends[-1] == pytest.approx(0.3, abs=0.03)


def test_a_vibrato_is_heard_in_time() -> None:
    heard_F = told((A4, vibrato(0.3))).double()
    middle_F = (torch.arange(FRAMES, dtype=torch.float64) + 0.5) / LATENT_RATE
    true_F = 0.3 * (2 * math.pi * 5.5 * middle_F).sin()
    # the spectrum looks at a tenth of a second, and sees a little less of it
    share = float((heard_F @ true_F) / (true_F @ true_F))
    assert 0.75 < share < 1.0
    assert float(torch.corrcoef(torch.stack([heard_F, true_F]))[0, 1]) > 0.98


def test_notes_that_stray_apart_have_no_bend_together() -> None:
    alike = told((A4, steady(0.3)), (A4 + 4, steady(0.3)))
    apart = told((A4, steady(0.3)), (A4 + 4, steady(-0.3)))
    assert float(alike.mean()) == pytest.approx(0.3, abs=0.04)
    assert float(apart.abs().max()) < 0.05


def test_nothing_has_no_bend() -> None:
    wav = 0.1 * torch.randn(1, FRAMES * LATENT_HOP + 2 * SPECTRUM_REACH)
    nothing = torch.zeros(1, 3, NUM_PITCHES, FRAMES)
    assert not heard_bend(FRONT_END(wav, torch.full((1, FRAMES), 0.1)), nothing).any()
    silence = FRONT_END(torch.zeros_like(wav), torch.zeros(1, FRAMES))
    assert not heard_bend(silence, torch.ones(1, 3, NUM_PITCHES, FRAMES)).any()


def played_bend(bend_F: Tensor) -> Tensor:
    """Semitones that reading ahead raises the pitch by, at each sample but the first."""
    shift_T = ahead(bend_F)
    return 12 * torch.log2(1 + shift_T.diff())


def test_what_is_read_ahead_follows_a_vibrato() -> None:
    frame_F = torch.arange(-AROUND_FRAMES, 100 + AROUND_FRAMES) + 0.5
    bend_F = 0.4 * (2 * math.pi * 6 * frame_F / LATENT_RATE).sin()
    time_T = torch.arange(1, 100 * LATENT_HOP) / SAMPLE_RATE
    wanted_T = 0.4 * (2 * math.pi * 6 * time_T).sin()
    assert float((played_bend(bend_F) - wanted_T).abs().max()) < 0.03


def test_no_note_comes_late_however_long_it_is_out_of_tune() -> None:
    constant_F = torch.full((300 + 2 * AROUND_FRAMES,), 0.5)
    assert float(ahead(constant_F).abs().max()) < 1e-6
    begins_F = torch.cat([torch.zeros(200), constant_F])
    shift_T = ahead(begins_F)
    assert 200 < float(shift_T.abs().max()) <= MOST_AHEAD
    settled = (200 - AROUND_FRAMES + LASTS_FRAMES + 3) * LATENT_HOP
    assert float(shift_T[settled:].abs().max()) < 1e-6


def test_a_decoder_plays_its_notes_read_ahead() -> None:
    latents = trembling(few_notes())
    alone = through(make_decoder(THIRD), latents[:BEND], [])
    shift_T = ahead(functional.pad(latents[BEND], (AROUND_FRAMES, AROUND_FRAMES)))
    # the stream must find the frames and samples around each window by itself
    expected = Section()(functional.pad(alone, (REACH, REACH))[None], 0, shift_T)[0]
    bent = through(make_decoder(BENDS, BEND + 1, bend=1.0), latents, [])
    assert float((bent - alone).abs().max()) > 0.01
    assert torch.allclose(bent, expected, atol=1e-5)


def test_it_follows_as_far_as_it_is_asked() -> None:
    latents = trembling(few_notes())
    half = torch.cat([latents[:BEND], latents[BEND:] / 2])
    asked = through(make_decoder(BENDS, BEND + 1, bend=0.5), latents, [])
    assert torch.allclose(
        asked, through(make_decoder(BENDS, BEND + 1, bend=1.0), half, []), atol=1e-6
    )
    plain = through(make_decoder(THIRD), latents[:BEND], [])
    assert torch.equal(through(make_decoder(BENDS, BEND + 1), latents, []), plain)


def test_latents_without_a_bend_are_played_plainly() -> None:
    notes = few_notes()
    assert torch.equal(
        through(make_decoder(BENDS, bend=1.0), notes, []), through(make_decoder(THIRD), notes, [])
    )


def test_a_piano_does_not_bend() -> None:
    notes = few_notes()
    bent = through(make_decoder(THIRD, BEND + 1, bend=1.0), trembling(notes), [])
    assert torch.equal(bent, through(make_decoder(THIRD), notes, []))
