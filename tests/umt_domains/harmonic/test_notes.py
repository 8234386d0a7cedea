"""Where notes lie and how faint they may be: on latents and, at the end, on what is heard."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

import umt_domains
from umt_domains.harmonic import HarmonicFamily
from umt_domains.harmonic.config import NUM_PITCHES, SAMPLE_RATE, DecoderConfig
from umt_domains.harmonic.latents import BEND, LEVEL
from umt_domains.harmonic.notes import folded_pitches, more_sensitive, moved
from umtcli.bundle import read_bundle
from umtcli.domain import Value

PIANO = Path(umt_domains.__path__[0]) / "weights" / "piano.safetensors"
A4 = 69 - 21


def note(number: int, frame: float = 1.0, num_frames: int = 60) -> Tensor:
    """Latents of one held note, struck after a tenth of a second."""
    latents = torch.zeros(BEND + 1, num_frames)
    latents[number, 5:] = frame
    latents[NUM_PITCHES + number, 5] = frame
    latents[2 * NUM_PITCHES + number, 5:] = 0.8 * frame
    latents[LEVEL] = 0.1
    return latents


def play(latents: Tensor, **options: Value) -> Tensor:
    """What the bundled piano makes of it."""
    family = HarmonicFamily()
    values = {option.name: option.default for option in family.options} | options
    streams = family.load_decoder(read_bundle(PIANO, "decoder"), "cpu", values).streams()
    stream = streams.open()
    start = streams.push({stream: latents})[stream]
    return torch.cat([start, streams.finish([stream])[stream]])


def loudest_hz(wav_T: Tensor) -> float:
    """Of the strongest partial, to a fortieth of a hertz."""
    size = 1 << 20
    part = wav_T[SAMPLE_RATE // 4 : SAMPLE_RATE]
    spectrum = torch.fft.rfft(part * torch.hann_window(len(part)), size).abs()
    return float(spectrum.argmax()) * SAMPLE_RATE / size


def level_db(wav_T: Tensor, hertz: float) -> float:
    part = wav_T[SAMPLE_RATE // 4 : SAMPLE_RATE].double()
    turns = hertz * torch.arange(len(part), dtype=torch.float64) / SAMPLE_RATE
    wave = torch.exp(-2j * math.pi * turns) * torch.hann_window(len(part), dtype=torch.float64)
    return 20 * math.log10(float((part * wave).sum().abs()))


@pytest.mark.parametrize("semitones", [-24, -12, -1, 0, 5, 24])
@pytest.mark.parametrize("low", [21, 40, 60])
@pytest.mark.parametrize("size", [12, 25])
def test_every_key_is_played_by_the_nearest_of_its_name(
    semitones: int, low: int, size: int
) -> None:
    high = low + size - 1
    for number, place in enumerate(folded_pitches(semitones, low, high)):
        wanted = number + 21 + semitones
        same_name = [pitch for pitch in range(low, high + 1) if pitch % 12 == wanted % 12]
        assert place + 21 in same_name
        assert abs(place + 21 - wanted) == min(abs(pitch - wanted) for pitch in same_name)


def test_a_whole_keyboard_leaves_latents_as_they_are() -> None:
    latents = torch.rand(LEVEL + 1, 3)
    assert moved(latents, 0, 21, 108) is latents


def test_of_notes_that_meet_the_stronger_is_heard() -> None:
    latents = note(A4, 0.9) + note(A4 - 12, 0.4)
    there = moved(latents, 0, 69, 96)
    assert torch.equal(there[A4], latents[A4])
    assert not there[A4 - 12].any()
    assert torch.equal(there[LEVEL], latents[LEVEL])


@pytest.mark.parametrize(("low", "high"), [(60, 70), (20, 60), (60, 109), (60, 40)])
def test_a_range_of_less_than_an_octave_is_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match=f"an octave or more of 21 … 108, not {low} … {high}"):
        DecoderConfig(lowest_midi=low, highest_midi=high)


@pytest.mark.parametrize("sensitivity", [-1.0, -0.3, 0.7, 1.0])
def test_sensitivity_moves_the_odds_of_every_note_alike(sensitivity: float) -> None:
    shares = torch.tensor([0.02, 0.3, 0.5, 0.9, 0.99])
    latents = torch.zeros(LEVEL + 1, 5)
    latents[A4], latents[NUM_PITCHES + A4], latents[2 * NUM_PITCHES + A4] = (
        shares, shares, 0.5 * shares,
    )  # fmt: skip
    heard = more_sensitive(latents, sensitivity)
    odds = shares / (1 - shares) * math.exp(4 * sensitivity)
    assert heard[A4].tolist() == pytest.approx((odds / (1 + odds)).tolist(), rel=1e-4)
    assert torch.equal(heard[NUM_PITCHES + A4], heard[A4])
    assert heard[2 * NUM_PITCHES + A4].tolist() == pytest.approx((heard[A4] / 2).tolist())


def test_what_is_asked_of_notes_leaves_level_and_bend() -> None:
    latents = torch.rand(LEVEL + 2, 5)
    for asked in (moved(latents, 3, 60, 80), more_sensitive(latents, 0.5)):
        assert torch.equal(asked[LEVEL:], latents[LEVEL:])
        assert not torch.equal(asked[:LEVEL], latents[:LEVEL])


def test_no_sensitivity_makes_notes_of_nothing() -> None:
    assert more_sensitive(torch.zeros(LEVEL + 1, 4), 1.0).max() < 1e-4


@pytest.mark.parametrize(("share", "from_"), [(0.12, 1.0), (0.75, 0.0), (0.995, -1.0)])
def test_a_faint_note_is_played_or_left_out_as_asked(share: float, from_: float) -> None:
    faint = note(A4, share)
    sure = float(play(note(A4)).square().mean().sqrt())
    for sensitivity in (-1.0, 0.0, 1.0):
        level = float(play(faint, sensitivity=sensitivity).square().mean().sqrt())
        if sensitivity < from_:
            assert level == 0
        else:  # and then not by halves
            assert level > 0.5 * sure


@pytest.mark.parametrize("cents", [-100.0, -31.0, 50.0])
def test_tuning_is_heard_in_cents(cents: float) -> None:
    heard = 1200 * math.log2(loudest_hz(play(note(A4), tuning=cents)) / 440)
    assert heard == pytest.approx(cents, abs=2)  # stiff strings: the fundamental is 0.6 sharp


@pytest.mark.parametrize("semitones", [-12, 7])
def test_transposed_notes_sound_where_they_were_asked(semitones: int) -> None:
    heard = 12 * math.log2(loudest_hz(play(note(A4), transpose=semitones)) / 440)
    assert heard == pytest.approx(semitones, abs=0.03)


def test_brightness_adds_four_decibels_an_octave() -> None:
    def second_above_first_db(brightness: float) -> float:
        wav_T = play(note(A4), brightness=brightness)
        return level_db(wav_T, 2 * 440 * 1.002) - level_db(wav_T, 440)

    usual = second_above_first_db(0.0)
    assert second_above_first_db(1.0) - usual == pytest.approx(4, abs=0.3)
    assert second_above_first_db(-1.0) - usual == pytest.approx(-4, abs=0.3)
