"""Streams of the decoder: exact in any pieces and with any neighbours."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from patience import patiently
from umt_domains.counter import uniform
from umt_domains.wavenet.cutting import Plan
from umt_domains.wavenet.decoder import DecoderNetwork
from umt_domains.wavenet.engine.choosing import engines
from umt_domains.wavenet.patient import CutStreams
from umt_domains.wavenet.playing import SampledStreams, WavenetDecoder
from umtcli.pipeline.subject import feed
from wavenet_reference import SlowWaveNet, authors_decoder, mulaw_decode, sample

HOP = 13
INT8_ENGINES = tuple(engine for engine in engines() if engine.endswith("int8"))
ENGINES = ("torch", "plain", "auto", *INT8_ENGINES)
EXACT_ENGINES = tuple(e for e in engines() if e not in INT8_ENGINES and not e.endswith("bf16"))
"""Those of float32: rounded further, a draw near a border may be another."""


def decoder(
    network: DecoderNetwork,
    engine: str = "torch",
    temperature: float = 1.0,
    top_p: float = 1.0,
    guidance: float = 1.0,
    *,
    exact: bool = False,
) -> WavenetDecoder:
    options = {
        "temperature": temperature,
        "top_p": top_p,
        "guidance": guidance,
        "engine": engine,
        "exact": exact,
    }
    return WavenetDecoder(network, "cpu", options)


def to_be_guided(network: DecoderNetwork, guidance: float = 1.0) -> DecoderNetwork:
    """The same, to be played with guidance."""
    guided = DecoderNetwork(replace(network.config, guidance=guidance))
    guided.load_state_dict(network.state_dict())
    return guided


def latents(num_frames: int, seed: int = 0, channels: int = 5) -> Tensor:
    return torch.randn(channels, num_frames, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("engine", EXACT_ENGINES)
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


@pytest.mark.parametrize("engine", EXACT_ENGINES)
@pytest.mark.parametrize(
    ("temperature", "top_p", "guidance"), [(1.0, 1.0, 1.0), (0.7, 0.9, 0.5), (0.0, 1.0, 3.0)]
)
def test_guided_music_is_that_of_the_slow_reference(
    small_decoder: DecoderNetwork, engine: str, temperature: float, top_p: float, guidance: float
) -> None:
    latents_CF, slow = latents(6), SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
    machine = decoder(to_be_guided(small_decoder, guidance / 2), engine, temperature, top_p, 2.0)
    streams = machine.streams(seed=9)
    feed(streams, latents(2, seed=1))  # its rows are used again
    played = feed(streams, latents_CF, (1, 3), key=4)
    uniforms = uniform(9, 4, 0, 6 * HOP).tolist()
    wanted = sample(slow, latents_CF.double().numpy(), HOP, uniforms, temperature, top_p, guidance)
    np.testing.assert_allclose(played.numpy(), [mulaw_decode(q) for q in wanted], rtol=2e-6)


@pytest.mark.parametrize("engine", EXACT_ENGINES)
def test_guidance_is_the_decoders_own_unless_asked_otherwise(
    small_decoder: DecoderNetwork, engine: str
) -> None:
    def played(network: DecoderNetwork, guidance: float) -> Tensor:
        return feed(decoder(network, engine, guidance=guidance).streams(seed=1), latents(4))

    plain = played(small_decoder, 1.0)
    assert not torch.equal(played(to_be_guided(small_decoder), 1.0), plain)
    assert torch.equal(played(to_be_guided(small_decoder), 0.0), plain)
    assert torch.equal(played(small_decoder, 4.0), plain)


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
@pytest.mark.parametrize("guided", [False, True])
def test_neighbours_never_matter(full_width: DecoderNetwork, engine: str, *, guided: bool) -> None:
    """Forty streams come and go at random over several tiles; each plays as if alone."""
    network = to_be_guided(full_width) if guided else full_width
    machine, rng = decoder(network, engine), random.Random(2)
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


@pytest.mark.parametrize("engine", EXACT_ENGINES)
def test_a_row_that_begins_in_the_midst_draws_the_numbers_of_its_place(
    small_decoder: DecoderNetwork, engine: str
) -> None:
    """As the slow reference does with these numbers; no dilation divides where it begins."""
    latents_CF, first = latents(6), 3 * HOP
    streams = decoder(small_decoder, engine).streams(seed=9)
    row = streams.open(key=4, first_sample=first)
    played = streams.push({row: latents_CF})[row]
    slow = SlowWaveNet(authors_decoder(small_decoder), blocks=2, layers=3)
    uniforms = uniform(9, 4, first, 6 * HOP).tolist()
    classes = sample(slow, latents_CF.double().numpy(), HOP, uniforms)
    np.testing.assert_allclose(played.numpy(), [mulaw_decode(q) for q in classes], rtol=2e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_asked_to_be_exact_is_never_cut(small_decoder: DecoderNetwork, engine: str) -> None:
    assert isinstance(decoder(small_decoder, engine).patient_streams(), CutStreams)
    exact = decoder(small_decoder, engine, exact=True)
    assert not isinstance(exact.patient_streams(), CutStreams)
    latents_CF = latents(3)
    played = patiently(exact.patient_streams(seed=2), latents_CF)
    assert torch.equal(played, feed(exact.streams(seed=2), latents_CF))


@pytest.mark.parametrize(("temperature", "all_alike"), [(0.5, False), (1.0, True)])
def test_pieces_that_draw_alike_come_to_play_the_same(
    tone_decoder: DecoderNetwork, temperature: float, *, all_alike: bool
) -> None:
    """If there is enough to draw; else each keeps the phase that it began in."""
    machine = decoder(tone_decoder, "auto", temperature)
    plan = Plan.of(tone_decoder.config)
    latents_CF = torch.zeros(3, 2 * plan.piece)
    whole = feed(machine.streams(seed=2), latents_CF)
    cut = patiently(machine.patient_streams(seed=2), latents_CF)
    seam = plan.piece * plan.hop_samples
    assert torch.equal(cut[:seam], whole[:seam])
    assert cut.shape == whole.shape
    assert torch.equal(cut, whole) == all_alike


def test_pieces_fill_the_threads_as_far_as_memory_goes(
    small_decoder: DecoderNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered = 4 * 2 * (1 + 2 + 4) * 8  # bytes of a row: two blocks of three layers
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    for most_bytes, alone, guided in ((2**31, 48, 24), (20 * remembered, 20, 10), (1, 3, 3)):
        monkeypatch.setattr("umt_domains.wavenet.playing.MOST_BYTES", most_bytes)
        for network, num_rows in ((small_decoder, alone), (to_be_guided(small_decoder), guided)):
            streams = decoder(network, "torch").patient_streams()
            assert isinstance(streams, CutStreams)
            assert streams._num_rows == num_rows


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
