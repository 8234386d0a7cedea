"""Encoder and decoder keep the contract of streams, with small untrained networks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from tiny_harmonic import (
    BENDING,
    KEYS,
    OPTIONS,
    PHRASES,
    SECOND,
    SECTION,
    SOLO,
    STRUCK,
    THIRD,
    few_notes,
    make_decoder,
    make_encoder,
    music,
    through,
    trembling,
)
from umt_domains.harmonic import encoder as encoders
from umt_domains.harmonic.config import LATENT_HOP, DecoderConfig
from umt_domains.harmonic.decoder import HarmonicDecoder
from umt_domains.harmonic.encoder import STEP_FRAMES, HarmonicEncoder
from umt_domains.harmonic.front import (
    FRONT_ENDS,
    LEVEL_FUTURE_FRAMES,
    LEVEL_PAST_FRAMES,
    SPECTRUM_REACH,
    _level_kernel,
)
from umt_domains.harmonic.latents import BEND, LEVEL

SAMPLES = st.one_of(st.sampled_from((0, 1, 881, 882, 883)), st.integers(0, 120_000))
FRAMES = st.one_of(st.integers(0, 3), st.integers(0, 200))


@settings(max_examples=6, deadline=None)
@given(st.lists(SAMPLES, max_size=6))
def test_encoding_in_pieces_equals_the_whole(cuts: list[int]) -> None:
    machine, wav = make_encoder(), music()
    assert torch.allclose(through(machine, wav, cuts), through(machine, wav, []), atol=1e-5, rtol=0)


@pytest.mark.parametrize("config", [SOLO, SECTION, SECOND, STRUCK, THIRD, KEYS, PHRASES])
@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(FRAMES, max_size=6))
def test_decoding_in_pieces_equals_the_whole(config: DecoderConfig, cuts: list[int]) -> None:
    machine, latents = make_decoder(config), few_notes()
    whole = through(machine, latents, [])
    assert torch.allclose(through(machine, latents, cuts), whole, atol=1e-5, rtol=0)


@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(FRAMES, max_size=6))
def test_bent_notes_in_pieces_equal_the_whole(cuts: list[int]) -> None:
    machine, latents = make_decoder(BENDING, BEND + 1, bend=1.0), trembling(few_notes())
    whole = through(machine, latents, [])
    plain = through(make_decoder(BENDING, BEND + 1), latents, [])
    assert float((whole - plain).abs().max()) > 0.01
    assert torch.allclose(through(machine, latents, cuts), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("length", [1, 881, 882, 883, 44_100, STEP_FRAMES * LATENT_HOP + 1])
def test_lengths_follow_the_hop(
    encoder: HarmonicEncoder, decoder: HarmonicDecoder, length: int
) -> None:
    latents = through(encoder, music(length), [])
    assert latents.shape == (encoder.space.channels, -(-length // LATENT_HOP))
    assert through(decoder, latents, []).shape == (latents.shape[1] * LATENT_HOP,)


def naive_level(wav: Tensor, frames: range) -> Tensor:
    """The slow level, a frame at a time in float64, of a signal that is zero beyond its ends."""
    num_frames = -(-len(wav) // LATENT_HOP)
    padded = functional.pad(wav.double(), (0, num_frames * LATENT_HOP - len(wav)))
    squares = padded.view(-1, LATENT_HOP).square().mean(1).square()
    kernel = _level_kernel().double()
    levels = []
    for frame in frames:
        total, weight = 0.0, 0.0
        for near in range(max(0, frame - LEVEL_PAST_FRAMES), frame + LEVEL_FUTURE_FRAMES + 1):
            k = float(kernel[near - frame + LEVEL_PAST_FRAMES])
            weight += k
            total += k * float(squares[near]) if near < num_frames else 0.0
        levels.append((total / max(weight, 1e-3) + 1e-24) ** 0.25)
    return torch.tensor(levels)


@pytest.mark.parametrize(("front_end", "bend"), [*((n, False) for n in FRONT_ENDS), (2, True)])
def test_the_windows_show_no_seam(
    front_end: int, bend: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows of four seconds hear what one pass over the whole signal hears."""
    monkeypatch.setattr(encoders, "multiplies_bfloat16", lambda: False)
    wav, encoder = music(), make_encoder(front_end, bend)
    network = encoder._network
    num_frames, reach = -(-len(wav) // LATENT_HOP), network.reach_frames
    level = naive_level(wav, range(-reach, num_frames + reach))[None]
    before = reach * LATENT_HOP + SPECTRUM_REACH
    after = before + num_frames * LATENT_HOP - len(wav)
    with torch.inference_mode():
        latents = network.latents(functional.pad(wav, (before, after))[None], level)
        whole = latents[0, :, reach : reach + num_frames]
    heard = through(encoder, wav, [])
    assert num_frames > STEP_FRAMES  # there is a seam
    assert float(whole[:LEVEL].std(dim=-1).mean()) > 0.03  # and a network that has much to say
    assert torch.allclose(heard, whole, atol=1e-5, rtol=0)


def long_notes() -> Tensor:
    """Latents of 16 s with chords that are held for longer than strikes are remembered.

    Each fades by and by, is struck again, and is over, all at other distances from windows.
    """
    latents = torch.zeros(265, 800)
    frame, onset, velocity = latents[:-1].unflatten(0, (3, 88))
    for number, pitch in enumerate(range(10, 80, 5)):
        first, again = 5 + 3 * number, 380 + 11 * number
        frame[pitch, first:again] = torch.linspace(1.0, 0.3, again - first)
        frame[pitch, again : again + 60 + number] = 0.9
        onset[pitch, [first, again]] = 0.9
        velocity[pitch] = 0.7 * frame[pitch]
    latents[-1] = 0.1
    return latents


@pytest.mark.parametrize("config", [SOLO, SECOND, STRUCK, THIRD, KEYS, PHRASES])
def test_windows_play_what_one_pass_plays(config: DecoderConfig) -> None:
    latents, machine = long_notes(), make_decoder(config)
    network, num_frames = machine._network, latents.shape[1]
    around = (network.before_frames, network.after_frames)
    with torch.inference_mode():
        whole = network(functional.pad(latents, around)[None])[0]
    played = through(machine, latents, [])
    assert num_frames > 3 * STEP_FRAMES  # there are seams
    assert len(played) == len(whole) == num_frames * LATENT_HOP
    assert torch.allclose(played, whole, atol=1e-6 * float(whole.abs().max()) + 1e-6, rtol=0)


def test_bfloat16_hears_nearly_what_float32_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = {}
    for halved in (False, True):
        monkeypatch.setattr(encoders, "multiplies_bfloat16", lambda halved=halved: halved)
        encoder = make_encoder(front_end=2)
        heard[encoder.precision] = through(encoder, music(), [])
    difference = heard["float32"] - heard["bfloat16"]
    assert not difference[-1].any()  # the level is float32 in both
    assert 0 < float(difference.abs().max()) < 0.05
    assert float(difference.square().mean().sqrt()) < 0.003


def test_a_decoder_shows_no_seam(decoder: HarmonicDecoder, encoder: HarmonicEncoder) -> None:
    latents = through(encoder, music(), [])
    network = decoder._network
    context = torch.nn.functional.pad(latents, (decoder._before, decoder._after))[None]
    with torch.inference_mode():
        whole = network(context)[0]
    assert torch.allclose(through(decoder, latents, []), whole, atol=1e-5)


def test_only_pitches_that_sound_are_played_and_none_is_missed(decoder: HarmonicDecoder) -> None:
    """Each window leaves out its silent pitches: the result is that of all 88 at once."""
    latents = few_notes()
    context = functional.pad(latents, (decoder._before, decoder._after))[None]
    with torch.inference_mode():
        whole = decoder._network(context, pitches=torch.arange(88))[0]
    assert float(whole.abs().max()) > 0.01
    assert torch.allclose(through(decoder, latents, []), whole, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("config", [SOLO, BENDING])
def test_a_gpu_plays_what_the_cpu_plays(config: DecoderConfig) -> None:
    plain = make_decoder(config, BEND + 1, bend=1.0)
    network = make_decoder(config)._network
    there = HarmonicDecoder(network, "cuda", OPTIONS | {"bend": 1.0}, BEND + 1)
    latents = trembling(few_notes())
    assert torch.allclose(through(plain, latents, []), through(there, latents, []), atol=1e-4)
