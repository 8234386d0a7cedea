"""Streams of the decoder: exact in any pieces and with any neighbours."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import Tensor

from umt_domains.counter import uniform
from umt_domains.wavenet.config import DecoderConfig
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.playing import SampledStreams, WavenetDecoder
from umtcli.pipeline.subject import feed
from wavenet_reference import SlowWaveNet, authors_decoder, mulaw_decode, sample

HOP = 13
ENGINES = ("torch", "plain", "auto")


def decoder(
    network: DecoderNetwork, engine: str = "torch", temperature: float = 1.0, top_p: float = 1.0
) -> WavenetDecoder:
    options = {"temperature": temperature, "top_p": top_p, "engine": engine}
    return WavenetDecoder(network, "cpu", options)


def latents(num_frames: int, seed: int = 0, channels: int = 5) -> Tensor:
    return torch.randn(channels, num_frames, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def full_width() -> DecoderNetwork:
    """The paper's channels, a few layers: matrix products take the path they take in earnest."""
    torch.manual_seed(4)
    return DecoderNetwork(DecoderConfig(blocks=2, layers=3, hop_samples=15))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("temperature", "top_p"), [(1.0, 1.0), (0.1, 1.0), (1.5, 0.7), (0.0, 1.0), (1.0, 0.0)]
)
def test_music_is_that_of_the_slow_reference(
    small_decoder: DecoderNetwork, engine: str, temperature: float, top_p: float
) -> None:
    latents_CF = latents(6)
    played = feed(
        decoder(small_decoder, engine, temperature, top_p).streams(seed=9), latents_CF, key=4
    )
    slow = SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
    uniforms = uniform(9, 4, 0, 6 * HOP).tolist()
    classes = sample(slow, latents_CF.double().numpy(), HOP, uniforms, temperature, top_p)
    np.testing.assert_allclose(played.numpy(), [mulaw_decode(q) for q in classes], rtol=2e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_pieces_equal_the_whole_exactly(full_width: DecoderNetwork, engine: str) -> None:
    latents_CF, rng = latents(20, channels=64), random.Random(1)
    streams = decoder(full_width, engine).streams(seed=1)
    whole = feed(streams, latents_CF, key=2)
    assert len(whole) == 20 * 15
    for largest in (1, 3, 11):
        pieces = tuple(rng.randint(0, largest) for _ in range(20 // largest))
        assert torch.equal(feed(streams, latents_CF, pieces, key=2), whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_neighbours_never_matter(full_width: DecoderNetwork, engine: str) -> None:
    """Forty streams come and go at random over three tiles; each plays as if alone."""
    machine, rng = decoder(full_width, engine), random.Random(2)
    music = {key: latents(rng.randint(0, 9), seed=key, channels=64) for key in range(40)}
    streams = machine.streams(seed=3)
    waiting, live, left, played = list(music), {}, dict(music), {key: [] for key in music}
    most = 0
    while waiting or live:
        for _ in range(min(rng.randint(0, 12), len(waiting))):
            key = waiting.pop()
            live[key] = streams.open(key)
        most = max(most, len(live))
        blocks = {}
        for key in rng.sample(sorted(live), rng.randint(0, len(live))):
            block, left[key] = left[key].split_with_sizes(_cut(left[key].shape[1], rng), dim=1)
            blocks[live[key]] = block
        keys = {stream_id: key for key, stream_id in live.items()}
        for stream_id, wav in streams.push(blocks).items():
            played[keys[stream_id]].append(wav)
        ended = [key for key in live if left[key].shape[1] == 0]
        for stream_id, wav in streams.finish([live.pop(key) for key in ended]).items():
            played[keys[stream_id]].append(wav)
    assert most > 16  # more than one tile
    for key, latents_CF in music.items():
        assert torch.equal(
            torch.cat(played[key]), feed(machine.streams(seed=3), latents_CF, key=key)
        )


def _cut(length: int, rng: random.Random) -> list[int]:
    first = rng.randint(0, length)
    return [first, length - first]


@pytest.mark.parametrize("engine", ENGINES)
def test_seed_and_key_decide_and_the_id_does_not(
    small_decoder: DecoderNetwork, engine: str
) -> None:
    latents_CF, machine = latents(4), decoder(small_decoder, engine)
    streams = machine.streams(seed=1)
    once = feed(streams, latents_CF, key=1)
    assert torch.equal(feed(streams, latents_CF, key=1), once)
    assert not torch.equal(feed(streams, latents_CF, key=2), once)
    assert not torch.equal(feed(machine.streams(seed=2), latents_CF, key=1), once)


def test_rows_of_finished_streams_are_used_again(small_decoder: DecoderNetwork) -> None:
    streams = decoder(small_decoder).streams()
    assert isinstance(streams, SampledStreams)
    for _ in range(100):
        feed(streams, latents(1))
    assert len({id(tile) for tile, _ in streams._free}) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_frame_is_played_as_soon_as_it_is_pushed(
    small_decoder: DecoderNetwork, engine: str
) -> None:
    machine = decoder(small_decoder, engine)
    streams = machine.streams()
    stream = streams.open()
    assert machine.lookahead_s == 0
    assert streams.push({stream: latents(0)})[stream].shape == (0,)
    assert streams.push({stream: latents(2)})[stream].shape == (2 * HOP,)
    assert streams.finish([stream])[stream].shape == (0,)


def test_a_stereo_file_is_played_from_its_mid(small_decoder: DecoderNetwork) -> None:
    assert decoder(small_decoder).mid_only
