"""What players and options change in what is heard, with small untrained networks."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tiny_harmonic import SECTION, few_notes, make_decoder, music, through
from umt_domains.harmonic.config import SAMPLE_RATE
from umt_domains.harmonic.decoder import HarmonicDecoder
from umt_domains.harmonic.encoder import HarmonicEncoder
from umt_domains.harmonic.room import tail
from umt_domains.harmonic.section import FURTHEST, Section
from umtcli.pipeline.windows import WindowedStreams


def test_a_section_plays_what_one_player_plays_at_the_same_place() -> None:
    latents = few_notes()
    alone = through(make_decoder(), latents, [])
    swings = Section(SECTION.players, SECTION.vibrato_cents, SECTION.drift_cents)
    # the stream must find the samples before and after each window by itself
    expected = swings(functional.pad(alone, (FURTHEST, FURTHEST))[None], start=0)[0]
    played = through(make_decoder(SECTION), latents, [])
    inside = slice(FURTHEST, -FURTHEST)
    assert float((played - alone).abs().max()) > 0.01
    assert torch.allclose(played[inside], expected[inside], atol=1e-5)


def test_a_room_is_heard_behind_the_same_performance() -> None:
    latents = few_notes()
    dry, echo = through(make_decoder(), latents, []).double(), tail(0.4).double()
    spectra = (torch.fft.rfft(x, len(dry) + len(echo)) for x in (dry, echo))
    expected = dry + torch.fft.irfft(math.prod(spectra), len(dry) + len(echo))[: len(dry)]
    wet = through(make_decoder(room=0.4), latents, [])
    assert float((wet - dry).abs().max()) > 0.01
    assert torch.allclose(wet.double(), expected, atol=1e-5)
    assert torch.equal(through(make_decoder(room=0.4), latents, [1, 150, 120]), wet)


def test_a_room_holds_nothing_back() -> None:
    dry, wet = make_decoder().streams(), make_decoder(room=1.0).streams()
    here, there = dry.open(), wet.open()
    for piece in few_notes().split(70, dim=1):
        assert dry.push({here: piece})[here].shape == wet.push({there: piece})[there].shape
    assert dry.finish([here])[here].shape == wet.finish([there])[there].shape


def test_no_room_is_no_filter() -> None:
    assert isinstance(make_decoder(room=0.0).streams(), WindowedStreams)


def test_softer_music_is_the_same_performance_softer(
    encoder: HarmonicEncoder, decoder: HarmonicDecoder
) -> None:
    wav = music()
    loud, soft = through(encoder, wav, []), through(encoder, 0.1 * wav, [])
    assert torch.allclose(soft[-1], 0.1 * loud[-1], rtol=1e-3)
    ratio = (
        through(decoder, soft, []).square().mean().sqrt()
        / through(decoder, loud, []).square().mean().sqrt()
    )
    assert float(ratio) == pytest.approx(0.1, rel=0.05)


def test_silence_stays_silent(encoder: HarmonicEncoder, decoder: HarmonicDecoder) -> None:
    wav = through(decoder, through(encoder, torch.zeros(3 * SAMPLE_RATE), []), [])
    assert float(wav.abs().max()) < 1e-5


def test_transposition_moves_the_notes(decoder: HarmonicDecoder) -> None:
    latents = torch.zeros(265, 200)
    latents[-1], latents[48] = 10.0, 1.0
    plain, higher = through(decoder, latents, []), through(make_decoder(transpose=12), latents, [])
    octave_up = torch.zeros_like(latents)
    octave_up[-1], octave_up[60] = 10.0, 1.0
    assert torch.allclose(higher, through(decoder, octave_up, []), atol=1e-6)
    assert not torch.allclose(higher, plain, atol=1e-4)


def test_brightness_tilts_the_overtones(decoder: HarmonicDecoder) -> None:
    latents = torch.zeros(265, 200)
    latents[-1], latents[48] = 0.1, 1.0

    def high_share(wav: Tensor) -> float:
        power = torch.fft.rfft(wav).abs().square()
        return float(power[len(power) // 8 :].sum() / power.sum())

    dark, plain, bright = (
        high_share(through(make_decoder(brightness=b), latents, [])) for b in (-1.0, 0.0, 1.0)
    )
    assert dark < plain < bright
